import azureml.core
from azureml.core.environment import SparkPackage
env = azureml.core.Environment('a')
env.spark.packages += [SparkPackage('com.microsoft.ml', 'mmlspark_2.11', '0.15')]
env.register(ws)
