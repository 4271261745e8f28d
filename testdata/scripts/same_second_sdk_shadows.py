from azureml.core import Environment
from azure.ai.ml.entities import Environment
spark_env = Environment(name='a', image='ubuntu')
