import azureml.core
from jinja2 import Environment
spark = Environment()
