from azureml.core import Environment
class Environment:
    spark = None
env = Environment()
