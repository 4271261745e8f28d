#!/bin/sh
set -e
pip3 install --no-cache-dir six==1.17.0
