//===- gradus.cpp - The command -----------------------------------------------===//

#include "codegen/driver/CommandLine.h"

int main(int argc, char **argv) { return gradus::driver::runTool(argc, argv); }
