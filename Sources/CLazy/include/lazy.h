// Libraries that are loaded when the first of their functions is called, not when the program starts: see
// functions.S. There is nothing to call here; the functions are declared by the libraries' own headers.
#pragma once
