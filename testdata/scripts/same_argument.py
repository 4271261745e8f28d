from azureml.core import Environment
from azureml.core.environment import SparkPackage
def submit(env: Environment):
    env.register(ws)
# spark
