from azureml.core import Environment
from azureml.core.environment import SparkPackage
base = Environment.get(ws, 'AzureML-Minimal')
env = base.clone('mine')
env.spark.packages = [SparkPackage('com.microsoft.ml', 'mmlspark_2.11', '0.15')]
env.register(ws)
