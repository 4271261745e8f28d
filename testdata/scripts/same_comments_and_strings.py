from azureml.core import Environment
from azureml.core.environment import SparkPackage
# env = Environment('a')
text = '''
env = Environment('a')
env.spark.packages = []
'''
