// The target of the headers that the tests share, which CMake compiles with some file.
