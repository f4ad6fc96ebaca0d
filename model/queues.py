"""How many packs of one process a GPU works on at once: a setting that must be made before CUDA starts."""

#: Environment variable and value. A process has 8 hardware queues by default, and streams that share one
#: wait for each other; 32 is the most there is. Set where it is not set already.
CUDA_QUEUES = ("CUDA_DEVICE_MAX_CONNECTIONS", "32")
