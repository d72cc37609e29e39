//===- Commands.h - One function a command ------------------------------------===//

#pragma once

#include "codegen/driver/CommandLine.h"

namespace gradus::driver {

int runBench(const Invocation &invocation);
int runBuild(const Invocation &invocation);
int runCheck(const Invocation &invocation);
int runEmit(const Invocation &invocation);
int runExplain(const Invocation &invocation);
int runFmt(const Invocation &invocation);
int runGrad(const Invocation &invocation);
int runLsp(const Invocation &invocation);
int runPlot(const Invocation &invocation);
int runRun(const Invocation &invocation);
int runTest(const Invocation &invocation);

} // namespace gradus::driver
