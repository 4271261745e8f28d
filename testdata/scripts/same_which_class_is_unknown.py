if 1:
    from azureml.core import Environment
else:
    from jinja2 import Environment
spark = Environment('a')
