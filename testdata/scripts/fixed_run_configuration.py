from azureml.core.environment import SparkPackage
from azureml.core.runconfig import RunConfiguration
run_config = RunConfiguration()
run_config.environment.spark.packages = [SparkPackage('com.microsoft.ml', 'mmlspark_2.11', '0.15')]
run_config.environment.register(ws)
