from azureml.core import Environment
from azureml.core.environment import SparkPackage
env = Environment('a'); n = 1  # both
env.spark.packages = [SparkPackage('com.microsoft.ml', 'mmlspark_2.11', '0.15')]; m = 2;
env.register(ws)
