from azureml.core import Environment
from azureml.core.environment import SparkPackage
class Job:
    def __init__(self):
        self.env = Environment('a')
    def go(self, ws):
        self.env.spark.packages = [SparkPackage('com.microsoft.ml', 'mmlspark_2.11', '0.15')]
        self.env.register(ws)
Job().go(ws)
