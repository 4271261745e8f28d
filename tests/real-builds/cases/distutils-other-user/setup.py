from distutils.core import setup
from distutils.dir_util import mkpath

mkpath("build")
setup(name="demo", version="1.0", py_modules=["main"])
