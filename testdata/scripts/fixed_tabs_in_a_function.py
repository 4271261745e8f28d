from azureml.core import Environment
from azureml.core.environment import SparkPackage
def make(ws):
	env = Environment('a')
	env.spark.packages = [SparkPackage('com.microsoft.ml', 'mmlspark_2.11', '0.15')]
	return env.register(ws)
make(ws)
