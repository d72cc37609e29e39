//===- Test.cpp - gradus test --------------------------------------------------===//

#include "codegen/driver/Commands.h"
#include "codegen/driver/CompiledTest.h"
#include "codegen/driver/Property.h"
#include "codegen/driver/Report.h"
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

static llvm::json::Object toJson(const reference::ClaimFailure &failure) {
  llvm::json::Object object{{"claim", textToJson(failure.text)}, {"file", nullptr}, {"line", nullptr}, {"column", nullptr}};
  if (auto place = dyn_cast<FileLineColLoc>(failure.location)) {
    object["file"] = textToJson(place.getFilename().getValue());
    object["line"] = place.getLine();
    object["column"] = place.getColumn();
  }
  if (!failure.index.empty())
    object["index"] = llvm::json::Array(failure.index);
  if (failure.isNear)
    object["tolerance"] = numberToJson(failure.tolerance);
  if (failure.isNear || failure.hasValues) {
    object[failure.isNear ? "got" : "left"] = numberToJson(failure.a);
    object[failure.isNear ? "expected" : "right"] = numberToJson(failure.b);
  }
  return object;
}

static llvm::json::Object toJson(const reference::TestResult &result, StringRef engine) {
  llvm::json::Array failures;
  for (const reference::ClaimFailure &failure : result.failures)
    failures.push_back(toJson(failure));
  llvm::json::Object object{{"engine", engine}, {"passed", result.passed && result.error.empty()}, {"failures", std::move(failures)}};
  if (!result.error.empty())
    object["error"] = textToJson(result.error);
  return object;
}

namespace {
/// Runs the tests of the specs and says what came of them.
class TestRun {
public:
  TestRun(const Invocation &invocation, uint64_t seed, Report &report) : invocation(invocation), report(report), seed(seed) {
    std::string given = invocation.get("--engine");
    if (given == "both")
      engines = {"reference", "cpu"};
    else
      engines = {given};
  }

  /// False where a spec is none.
  bool runSpec(const std::string &path);
  /// The last line, and the exit code: where no test ran, the command must not look like a success. `isWhole` says whether all specs were read.
  int finish(bool isWhole);

private:
  bool runTest(Session &session, FuncOp test, llvm::json::Array &runs);
  bool runProperty(FuncOp property, llvm::json::Object &object);

  const Invocation &invocation;
  Report &report;
  uint64_t seed;
  std::vector<std::string> engines;
  unsigned passed = 0, failed = 0;
  llvm::json::Array tests, files;
};
} // namespace

/// Whether a test holds, on each engine.
bool TestRun::runTest(Session &session, FuncOp test, llvm::json::Array &runs) {
  bool isGood = true;
  for (const std::string &engine : engines) {
    reference::TestResult result = engine == "cpu" ? runCompiledTest(session, test) : reference::runTest(test);
    session.report();
    runs.push_back(toJson(result, engine));
    if (result.passed && result.error.empty())
      continue;
    isGood = false;
    if (report.isJson())
      continue;
    llvm::outs() << "FAIL  " << test.getSymName() << " (" << engine << ")\n";
    printResult(result);
  }
  return isGood;
}

/// Whether a property holds for random inputs, by the evaluator.
bool TestRun::runProperty(FuncOp property, llvm::json::Object &object) {
  std::optional<CounterExample> found = tryProperty(property, seed);
  if (!found) {
    object["runs"] = llvm::json::Array{llvm::json::Object{{"engine", "reference"}, {"passed", true}, {"failures", llvm::json::Array()}}};
    return true;
  }
  object["runs"] = llvm::json::Array{toJson(found->result, "reference")};
  object["counterexample"] = llvm::json::Object{{"case", found->cases}, {"seed", seed}, {"test", textToJson(found->test)}};
  if (report.isJson())
    return false;
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

bool TestRun::runSpec(const std::string &path) {
  Session session(&report);
  ModuleOp module = session.load(path, "f64", invocation);
  if (!module)
    return false;
  const auto count = llvm::count_if(module.getOps<FuncOp>(), isTest);
  files.push_back(llvm::json::Object{{"file", textToJson(path)}, {"tests", count}});
  if (count == 0 && !report.isJson())
    llvm::outs() << path << ": no tests\n";
  for (FuncOp func : module.getOps<FuncOp>()) {
    if (!isTest(func) || !func.getSymName().contains(invocation.get("--filter")))
      continue;
    eraseUnused(func);
    llvm::json::Object object{{"file", textToJson(path)}, {"title", textToJson(func.getSymName())}, {"kind", isProperty(func) ? "property" : "test"}};
    llvm::json::Array runs;
    bool isGood = isProperty(func) ? runProperty(func, object) : runTest(session, func, runs);
    if (!isProperty(func))
      object["runs"] = std::move(runs);
    object["passed"] = isGood;
    tests.push_back(std::move(object));
    if (isGood && !report.isJson())
      llvm::outs() << "pass  " << func.getSymName() << '\n';
    ++(isGood ? passed : failed);
  }
  return true;
}

int TestRun::finish(bool isWhole) {
  report.document["files"] = std::move(files);
  report.document["tests"] = std::move(tests);
  report.document["passed"] = passed;
  report.document["failed"] = failed;
  if (!isWhole)
    return ExitFailed;
  if (!report.isJson())
    llvm::outs() << passed << " passed, " << failed << " failed\n";
  if (passed + failed)
    return failed ? ExitFailed : ExitOk;
  report.error(invocation.has("--filter") ? "no test has '" + invocation.get("--filter") + "' in its title" : "there is no test to run");
  return ExitFailed;
}

int runTest(const Invocation &invocation) {
  std::optional<uint64_t> seed = invocation.getCount("--seed", 0);
  if (!seed)
    return ExitUsage;
  Report report(invocation, "test");
  TestRun run(invocation, *seed, report);
  bool isWhole = llvm::all_of(invocation.inputs, [&](const std::string &path) { return run.runSpec(path); });
  return report.finish(run.finish(isWhole));
}

} // namespace gradus::driver
