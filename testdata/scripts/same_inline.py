from azureml.core import Environment
from azureml.core.environment import SparkPackage
made = [Environment('a').register(ws)]
# spark
