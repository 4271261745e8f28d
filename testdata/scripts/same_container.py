from azureml.core import Environment
from azureml.core.environment import SparkPackage
envs = {}
envs['a'] = Environment('a')
envs['a'].spark.packages = [SparkPackage('com.microsoft.ml', 'mmlspark_2.11', '0.15')]
