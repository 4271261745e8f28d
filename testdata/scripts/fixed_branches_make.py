from azureml.core import Environment
from azureml.core.environment import SparkPackage
if ws is None:
    env = Environment('a')
else:
    env = Environment('b')
env.spark.packages = [SparkPackage('com.microsoft.ml', 'mmlspark_2.11', '0.15')]
env.register(ws)
