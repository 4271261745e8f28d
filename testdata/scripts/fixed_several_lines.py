from azureml.core import Environment
from azureml.core.environment import SparkPackage
env = Environment(
    name='a',  # the name
)  # made
env.spark.packages = [
    SparkPackage('com.microsoft.ml', 'mmlspark_2.11', '0.15'),
    # one more to come
]  # packages
# registered below
env.register(ws)
