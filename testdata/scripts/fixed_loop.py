from azureml.core import Environment
from azureml.core.environment import SparkPackage
for name in ['a', 'b']:
    env = Environment(name)
    for package in [SparkPackage('com.microsoft.ml', 'mmlspark_2.11', '0.15')]:
        env.spark.packages.append(package)
    env.register(ws)
