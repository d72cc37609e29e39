//===- Test.cpp - gradus test --------------------------------------------------===//

#include "codegen/driver/Commands.h"
#include "codegen/driver/CompiledTest.h"
#include "codegen/driver/Property.h"
#include "codegen/driver/Session.h"
#include "codegen/reference/Evaluator.h"

#include "mlir/IR/Iterators.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/Support/Format.h"

using namespace mlir;

namespace gradus::driver {

/// "2, 0", or nothing for a scalar.
static std::string describeIndex(const reference::Shape &index) {
  std::string text;
  for (auto [axis, i] : llvm::enumerate(index))
    text += (axis ? ", " : "") + std::to_string(i);
  return text;
}

static void printFailure(const reference::ClaimFailure &failure) {
  if (auto place = dyn_cast<FileLineColLoc>(failure.location))
    llvm::outs() << "  " << place.getFilename().getValue() << ':' << place.getLine() << ':' << place.getColumn();
  llvm::outs() << ": expect " << failure.text << '\n';
  std::string index = describeIndex(failure.index);
  std::string element = index.empty() ? "" : "element [" + index + "]: ";
  if (failure.isNear)
    llvm::outs() << "    " << element << llvm::format("got %.17g, expected %.17g within %g", failure.a, failure.b, failure.tolerance) << '\n';
  else if (failure.hasValues)
    llvm::outs() << "    " << element << llvm::format("left %.17g, right %.17g", failure.a, failure.b) << '\n';
  else if (!index.empty())
    llvm::outs() << "    does not hold at element [" << index << "]\n";
}

static void printResult(const reference::TestResult &result) {
  for (const reference::ClaimFailure &failure : result.failures)
    printFailure(failure);
  if (!result.error.empty())
    llvm::outs() << "  could not run: " << result.error << '\n';
}

/// Whether a test holds, on one engine.
static bool runOn(StringRef engine, Session &session, FuncOp test) {
  reference::TestResult result = engine == "cpu" ? runCompiledTest(session, test) : reference::runTest(test);
  session.report();
  if (result.passed && result.error.empty())
    return true;
  llvm::outs() << "FAIL  " << test.getSymName() << " (" << engine << ")\n";
  printResult(result);
  return false;
}

/// Whether a property holds for random inputs, by the evaluator.
static bool runProperty(FuncOp property, uint64_t seed) {
  std::optional<CounterExample> found = tryProperty(property, seed);
  if (!found)
    return true;
  llvm::outs() << "FAIL  " << property.getSymName() << '\n';
  printResult(found->result);
  llvm::outs() << "  case " << found->cases << " of the seed " << seed << " fails; made small, it is\n\n" << found->test << '\n';
  return false;
}

/// What no claim needs is not computed, here as in the compiled code: an index that nobody reads refuses nothing.
static void eraseUnused(FuncOp test) {
  test.walk<WalkOrder::PostOrder, ReverseIterator>([](Operation *op) {
    if (isOpTriviallyDead(op))
      op->erase();
  });
}

static bool isTest(FuncOp func) { return func.getKind() == FuncKind::Test; }

/// True if at least one test ran; where none did, the command must not look like a success.
static bool reportCounts(const Invocation &invocation, unsigned passed, unsigned failed) {
  llvm::outs() << passed << " passed, " << failed << " failed\n";
  if (passed + failed)
    return true;
  llvm::outs().flush();
  llvm::errs() << "gradus: error: "
               << (invocation.has("--filter") ? "no test has '" + invocation.get("--filter") + "' in its title" : std::string("there is no test to run"))
               << '\n';
  return false;
}

int runTest(const Invocation &invocation) {
  std::optional<uint64_t> seed = invocation.getCount("--seed", 0);
  if (!seed)
    return ExitUsage;
  unsigned passed = 0, failed = 0;
  std::string given = invocation.get("--engine");
  SmallVector<StringRef> engines{given};
  if (given == "both")
    engines = {"reference", "cpu"};
  for (const std::string &path : invocation.inputs) {
    Session session;
    ModuleOp module = session.load(path, "f64", invocation);
    if (!module)
      return ExitFailed;
    if (llvm::none_of(module.getOps<FuncOp>(), isTest))
      llvm::outs() << path << ": no tests\n";
    for (FuncOp func : module.getOps<FuncOp>()) {
      if (!isTest(func) || !func.getSymName().contains(invocation.get("--filter")))
        continue;
      eraseUnused(func);
      bool isGood = true;
      if (isProperty(func))
        isGood = runProperty(func, *seed);
      else
        for (StringRef engine : engines)
          isGood &= runOn(engine, session, func);
      if (isGood)
        llvm::outs() << "pass  " << func.getSymName() << '\n';
      ++(isGood ? passed : failed);
    }
  }
  bool anyRan = reportCounts(invocation, passed, failed);
  return anyRan && !failed ? ExitOk : ExitFailed;
}

} // namespace gradus::driver
