"""%%bash whose output arrives in one piece: that of IPython comes in chunks, which MyST-NB joins with line breaks."""

import subprocess

from IPython.core.magic import register_cell_magic


@register_cell_magic
def bash(line, cell):
    done = subprocess.run(["bash", "-eu", "-c", cell], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(done.stdout, end="")
    done.check_returncode()
