//===- Commands.h - One function a command ------------------------------------===//

#pragma once

#include "codegen/driver/CommandLine.h"

namespace gradus::driver {

int runBench(const Invocation &invocation);
int runBuild(const Invocation &invocation);
int runCheck(const Invocation &invocation);
int runCompletion(const Invocation &invocation);
int runDoc(const Invocation &invocation);
int runEmit(const Invocation &invocation);
int runExplain(const Invocation &invocation);
int runFmt(const Invocation &invocation);
int runGrad(const Invocation &invocation);
int runHelp(const Invocation &invocation);
int runLsp(const Invocation &invocation);
int runPlot(const Invocation &invocation);
int runRun(const Invocation &invocation);
int runTest(const Invocation &invocation);

/// What is made of the table besides `--help`: JSON for programs, and the manual page.
void printTable(llvm::raw_ostream &os);
void printManual(llvm::raw_ostream &os);

} // namespace gradus::driver
