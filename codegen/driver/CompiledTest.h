//===- CompiledTest.h - A test block on compiled code ----------------------------===//

#pragma once

#include "codegen/reference/Evaluator.h"

namespace gradus::driver {

class Session;

/// Compiles a test in f64, runs it and compares its claims on the host by the evaluator's definition of `~` and `==`. What cannot be compiled
/// is said through the session; `test` stays as it is.
reference::TestResult runCompiledTest(Session &session, FuncOp test);

} // namespace gradus::driver
