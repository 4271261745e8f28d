from azureml.core import Environment
from azureml.core.environment import SparkPackage
import contextlib
env = Environment('a')
with contextlib.nullcontext():
    env.spark.packages = [SparkPackage('com.microsoft.ml', 'mmlspark_2.11', '0.15')]
    env.spark.precache_packages = False
env.register(ws)
