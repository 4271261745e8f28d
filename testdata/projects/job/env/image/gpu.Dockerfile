FROM mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20260301.v1
COPY requirements.txt /tmp/
RUN pip install -r /tmp/requirements.txt
