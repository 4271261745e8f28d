from azureml.core import Environment
from azureml.core.environment import SparkPackage
env = Environment.get(ws, name='AzureML-Minimal')
env.spark.packages = [SparkPackage('com.microsoft.ml', 'mmlspark_2.11', '0.15')]
