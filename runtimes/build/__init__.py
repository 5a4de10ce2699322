"""Makes the sandboxes' artefacts: ``python -m infinite_rl.runtimes.build``.

Everything here runs in pip's isolated build environment too, where the package's requirements are absent: it imports
the standard library and platformdirs, and what the recipe names once that is downloaded.
"""
