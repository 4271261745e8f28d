from azureml.core import Environment
from azureml.core.environment import SparkPackage
try:
    env = Environment.get(ws, 'mine')
except Exception:
    env = Environment('mine')
env.spark.packages = [SparkPackage('com.microsoft.ml', 'mmlspark_2.11', '0.15')]
env.register(ws)
