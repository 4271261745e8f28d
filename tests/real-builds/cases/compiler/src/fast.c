#include <stddef.h>

/* A module without Python's headers: an initialiser is all that the loader asks for, and that it gets from here. */
extern void *PyModule_Create2(void *, int);

static struct { long refs; void *type; void *init; long index; void *copy; const char *name; const char *doc; long size;
                void *methods, *slots, *traverse, *clear, *free; } definition = {1, NULL, NULL, 0, NULL, "fast", NULL, -1};

void *PyInit_fast(void) { return PyModule_Create2(&definition, 1013); }
