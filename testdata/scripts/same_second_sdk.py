import azureml.core
from azure.ai.ml.entities import Environment
env = Environment(name='spark', image='ubuntu')
