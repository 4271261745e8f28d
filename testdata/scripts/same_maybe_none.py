from azureml.core import Environment
from azureml.core.environment import SparkPackage
env = Environment('a') if ws else None
# spark
