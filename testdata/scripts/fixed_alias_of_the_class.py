from azureml.core.environment import Environment as E, SparkPackage
batch_env = E(name='a')
batch_env.spark.packages.append(SparkPackage('com.microsoft.ml', 'mmlspark_2.11', '0.15'))
batch_env.register(ws)
