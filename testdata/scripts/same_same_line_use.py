from azureml.core import Environment
from azureml.core.environment import SparkPackage
env = Environment('a'); env.register(ws)
# spark
