from unittest import mock
from azureml.core import Environment
with mock.patch('azureml.core.Environment') as Environment:
    env = Environment('a')
    env.spark.packages = [1]
