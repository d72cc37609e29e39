//===- FrontendTest.cpp - specs become valid modules that mean what they say ---===//
//
// Emitted modules are verified by the front end itself; here the reference evaluator runs the test blocks of specs, and
// fragments of the printed module show what the ABI and the passes rely on.
//
//===----------------------------------------------------------------------===//

#include "codegen/reference/Evaluator.h"
#include "dialect/Gradus.h"
#include "lang/Frontend.h"

#include "mlir/IR/MLIRContext.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace fs = std::filesystem;
using namespace gradus;

/// Runs every test block; gives the number of claims tried.
static unsigned runTestBlocks(mlir::ModuleOp module) {
  unsigned claims = 0;
  for (FuncOp test : module.getOps<FuncOp>()) {
    if (test.getKind() != FuncKind::Test)
      continue;
    reference::TestResult result = reference::runTest(test);
    EXPECT_TRUE(result.passed) << test.getSymName().str() << ": " << result.error;
    for (const reference::ClaimFailure &failure : result.failures)
      ADD_FAILURE() << test.getSymName().str() << ": " << failure.text << ": " << failure.a << " against " << failure.b;
    claims += result.claims;
  }
  return claims;
}

namespace {

/// A text and what the front end makes of it.
struct Emitted {
  explicit Emitted(std::string text, std::string dtype = "f32") : context(mlir::MLIRContext::Threading::DISABLED), diagnostics(sources) {
    EmitOptions options;
    options.dtype = std::move(dtype);
    options.standardLibrary = GRADUS_STD;
    module = emitModule(context, sources, sources.add("test.grad", std::move(text)), diagnostics, options);
  }

  mlir::MLIRContext context;
  SourceManager sources;
  Diagnostics diagnostics;
  mlir::OwningOpRef<mlir::ModuleOp> module;

  std::string print() {
    std::string text;
    llvm::raw_string_ostream out(text);
    if (module)
      module->print(out);
    return module ? text : diagnostics.render();
  }
  FuncOp func(llvm::StringRef name) { return module ? module->lookupSymbol<FuncOp>(name) : FuncOp(); }
  std::vector<std::string> argumentNames(llvm::StringRef name) {
    std::vector<std::string> names;
    FuncOp found = func(name);
    EXPECT_TRUE(found) << name.str() << "\n" << print();
    for (unsigned i = 0; found && i < found.getNumArguments(); ++i)
      names.push_back(found.getArgName(i).str());
    return names;
  }
  std::vector<std::string> resultNames(llvm::StringRef name) {
    std::vector<std::string> names;
    FuncOp found = func(name);
    for (unsigned i = 0; found && i < found.getNumResults(); ++i)
      names.push_back(found.getResultName(i).str());
    return names;
  }
  /// Runs every test block; gives the number of claims tried.
  unsigned runTests() {
    EXPECT_TRUE(module) << diagnostics.render();
    return module ? runTestBlocks(*module) : 0;
  }
};

using Names = std::vector<std::string>;

} // namespace

//===----------------------------------------------------------------------===//
// The standard library
//===----------------------------------------------------------------------===//

TEST(Frontend, TestsOfTheStandardLibraryHold) {
  unsigned files = 0;
  for (const fs::directory_entry &entry : fs::recursive_directory_iterator(GRADUS_STD)) {
    if (entry.path().extension() != ".grad")
      continue;
    SCOPED_TRACE(entry.path().string());
    mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
    SourceManager sources;
    Diagnostics diagnostics(sources);
    EmitOptions options;
    options.standardLibrary = GRADUS_STD;
    auto module = emitFile(context, sources, entry.path().string(), diagnostics, options);
    ASSERT_TRUE(module) << diagnostics.render();
    ++files;
    unsigned claims = runTestBlocks(*module);
    EXPECT_GT(claims, 0u);
  }
  EXPECT_GE(files, 10u);
}

//===----------------------------------------------------------------------===//
// Units
//===----------------------------------------------------------------------===//

static const char *const sgd = R"(
/// Momentum.
rule sgd(lr = 0.1, mu = 0 in [0, 1), nesterov: bool = false) {
  param w
  grad g
  state m = 0
  m' = mu * m + g
  w' = w - lr * (if nesterov then g + mu * m' else m')
}
)";

TEST(Frontend, RuleStandsAlone) {
  Emitted spec(sgd);
  EXPECT_EQ(spec.argumentNames("sgd.step"), (Names{"lr", "mu", "nesterov", "t", "w", "g", "m"}));
  EXPECT_EQ(spec.resultNames("sgd.step"), (Names{"w", "m"}));
  EXPECT_EQ(spec.argumentNames("sgd.init"), (Names{"lr", "mu", "nesterov", "w"}));
  EXPECT_EQ(spec.resultNames("sgd.init"), (Names{"m"}));
  std::string text = spec.print();
  EXPECT_NE(text.find("[w.numel], f32"), std::string::npos) << text;
  EXPECT_NE(text.find("#gradus.interval<"), std::string::npos) << text;
  EXPECT_NE(text.find("gradus.doc = \"Momentum.\""), std::string::npos) << text;
  EXPECT_TRUE(spec.func("sgd.step").isOpen());
}

TEST(Frontend, TrainHasPathsForHyperParametersAndStates) {
  Emitted spec(std::string(sgd) + R"(
rule clipped(base: rule, max_norm = 1.0) {
  param w
  grad g
  w' = base(w, g * min(1, max_norm / (norm[all](g) + 1e-6)))
}
schedule cosine(peak, total: int, warmup: int = 0) =
  if t <= warmup then peak * t / warmup
  else 0.5 * peak * (1 + cos(pi * min(1, (t - warmup) / (total - warmup))))
loss softmax_regression(W: [d, c], b: [c], X: [n, d], label: [n] int) {
  z[i, k] = sum[j](X[i, j] * W[j, k]) + b[k]
  return mean[i](logsumexp[k](z[i, k]) - z[i, label[i]])
}
train digits = minimize softmax_regression over W, b with clipped(sgd(lr = cosine(1e-2, total = 2000)))
)");
  EXPECT_EQ(spec.argumentNames("digits.step"),
            (Names{"max_norm", "base.lr.peak", "base.lr.total", "base.lr.warmup", "base.mu", "base.nesterov", "t", "W", "b", "W.base.m",
                   "b.base.m", "X", "label"}));
  EXPECT_EQ(spec.resultNames("digits.step"), (Names{"W", "b", "W.base.m", "b.base.m", "value"}));
  EXPECT_EQ(spec.resultNames("digits.init"), (Names{"W.base.m", "b.base.m"}));
  std::string text = spec.print();
  EXPECT_NE(text.find("gradus.contract"), std::string::npos) << text;
  EXPECT_EQ(text.find("all_reduce"), std::string::npos) << "the collection of a train unit is closed";
  EXPECT_EQ(spec.func("softmax_regression").getArgRole(1), Role::Param) << "the train unit minimizes over b";
}

TEST(Frontend, OpenRuleReducesOverTheCollection) {
  Emitted spec("rule normed(lr = 0.1) {\n  param w\n  grad g\n  w' = w - lr * g / norm[all](g)\n}\n");
  EXPECT_NE(spec.print().find("gradus.all_reduce"), std::string::npos) << spec.print();
}

TEST(Frontend, GroupsOfATrainUnit) {
  Emitted spec(std::string(sgd) + R"(
loss fit(W: [d, c], b: [c], X: [n, d], Y: [n, c]) = mean((X @ W + b - Y)^2)
train fitted = minimize fit over W, b with {
  W: sgd(mu = 0.5)
  else: sgd()
}
)");
  EXPECT_EQ(spec.argumentNames("fitted.step"), (Names{"W.lr", "W.mu", "W.nesterov", "else.lr", "else.mu", "else.nesterov", "t", "W", "b", "W.m",
                                                      "b.m", "X", "Y"}));
}

TEST(Frontend, StorageIsApartFromArithmetic) {
  std::string text = Emitted(sgd, "bf16").print();
  EXPECT_NE(text.find("gradus.cast %"), std::string::npos) << text;
  EXPECT_NE(text.find("<[w.numel], bf16> to <[w.numel], f32>"), std::string::npos) << text;
}

//===----------------------------------------------------------------------===//
// Meaning, by the reference evaluator
//===----------------------------------------------------------------------===//

TEST(Frontend, ExpressionsMeanWhatTheySay) {
  Emitted spec(R"(
fn gram(A: [p, q])[i, j] = sum[k](A[i, k] * A[j, k])
fn unit(x) = x / norm(x)
test "arithmetic" {
  expect 1 / 2 == 0.5
  expect div(7, 2) == 3
  expect -7 % 3 == 2
  expect -2^2 == -4
  expect 2^-1 == 0.5
  expect 0 <= 1 < 2
  expect (if 1 < 2 then 3 else 4) == 3
  expect max(1, 2, 3) == 3
  expect not (true and false or false)
}
test "broadcasting" {
  expect [[1.0, 2.0], [3.0, 4.0]] + [10.0, 20.0] == [[11.0, 22.0], [13.0, 24.0]]
  expect [[1.0], [2.0]] * [3.0, 4.0] == [[3.0, 4.0], [6.0, 8.0]]
  expect sum[axis = 0]([[1.0, 2.0], [3.0, 4.0]]) == [4.0, 6.0]
  expect mean[axis = 1, keep]([[1.0, 2.0], [3.0, 5.0]]) == [[1.5], [4.0]]
  expect mean([1.0, 2.0, 6.0]) == 3
}
test "index notation" {
  A = [[1.0, 2.0], [3.0, 4.0]]
  B[i, j] = A[j, i]
  expect B == A.T
  C[i, k] = sum[j](A[i, j] * A[j, k])
  expect C == A @ A
  expect gram(A) == A @ A.T
  lower[i] = sum[j < i](A[i, j])
  expect lower == [0.0, 3.0]
  others[i] = prod[j != i](A[i, j])
  expect others == [2.0, 3.0]
  p[i, k] = softmax[k](A[i, k])
  expect sum[axis = 1](p) ~ [1.0, 1.0]
  label = [1, 0]
  picked[i] = A[i, label[i]]
  expect picked == [2.0, 3.0]
  expect A[1] == [3.0, 4.0]
  expect A[1, 0] == 3
  expect A[:, 1] == [2.0, 4.0]
  expect sum[i](i * A[i, 0]) == 3
  expect argmax[j](A[0, j]) == 1
  norms[i] = norm(A[i, :])
  expect norms ~ [sqrt(5), 5.0]
  units[i, :] = unit(A[i, :])
  expect units[1] ~ [0.6, 0.8]
}
test "derivatives" {
  w = [1.0, 2.0]
  e = sum(w^3)
  expect grad[w](e) ~ [3.0, 12.0]
  f(x) = dot(x, x) / 2
  expect grad f(w) == w
  g(x) = sum(grad f(x) * x)
  expect grad g(w) ~ 2 * w
  h(x, y) = sum(x * y^2)
  expect grad[y] h(w, w) ~ 2 * w^2
  expect grad[w](sum(stop(w) * w)) == w
  a, b = grad[x, y] h(w, w)
  expect a == w^2
}
test "local functions and lambdas" {
  fn twice(f: fn, x) = f(f(x))
  expect twice(x -> x * 3, 2) == 18
}
)",
               "f64");
  EXPECT_EQ(spec.runTests(), 35u);
}

TEST(Frontend, WritesAtComputedPlaces) {
  Emitted spec(R"(
fn scaled(v: [n]) {
  w = v
  w[0] += 10
  return w
}
fn rows(X: [m, d], at: [m] int) {
  Y = zeros(3, d)
  Y[at[k], :] += X[k, :]
  return Y
}
test "add" {
  v = [1.0, 2.0, 4.0]
  place = [1, 1, 0]
  x = ones(2)
  x[place[k]] += v[k]
  expect x == [5.0, 4.0]
  x[1] += x[0]
  expect x == [5.0, 9.0]
  M = zeros(2, 2)
  M[1, :] += [1.0, 2.0]
  M[:, 0] += 10
  expect M == [[10.0, 0.0], [11.0, 2.0]]
  expect rows([[1.0, 2.0], [3.0, 4.0]], [2, 2]) == [[0.0, 0.0], [0.0, 0.0], [4.0, 6.0]]
  both[i, :] = scaled([[1.0, 2.0], [3.0, 4.0]][i, :])
  expect both == [[11.0, 2.0], [13.0, 4.0]]
  count = [0, 0]
  count[place[k] * 0] += 1
  expect count == [3, 0]
}
test "replace" {
  v = [7.0, 8.0]
  z = ones(3)
  z[k + 1] = v[k]
  expect z == [1.0, 7.0, 8.0]
  z[0] = 4
  expect z == [4.0, 7.0, 8.0]
  D[i, i] = v[i]
  expect D == [[7.0, 0.0], [0.0, 8.0]]
}
test "guards give ranges" {
  v = [1.0, 3.0, 2.0]
  best[i] = max[k != i](v[k])
  expect best == [3.0, 2.0, 3.0]
}
)",
               "f64");
  EXPECT_EQ(spec.runTests(), 10u);
}

TEST(Frontend, JointParamIsOneVector) {
  Emitted spec(R"(
rule unit_step(lr = 1.0) {
  joint param w
  grad g
  w' = w - lr * g / norm(g)
}
loss plane(a: [p], b: [q]) = 3 * sum(a) + 4 * sum(b)
train descend = minimize plane over a, b with unit_step()
test "one tensor" {
  r = step(unit_step(), w = [0.0, 0.0], g = [3.0, 4.0])
  expect r.w ~ [-0.6, -0.8]
}
)");
  EXPECT_EQ(spec.runTests(), 1u);
}

TEST(Frontend, ImportsAreFoundInTheLibrary) {
  Emitted spec("import \"std/rules/adamw.grad\"\ntest \"t\" {\n  r = step(adamw(decay = 0), w = [1.0], g = [0.5])\n  expect r.w ~ [0.999] within 1e-6\n}\n");
  EXPECT_EQ(spec.runTests(), 1u);
}

TEST(Frontend, ImportCycleIsAnError) {
  fs::path folder = fs::temp_directory_path() / "gradus-import-cycle";
  fs::create_directories(folder);
  std::ofstream(folder / "a.grad") << "import \"b.grad\"\nfn f(x) = x\n";
  std::ofstream(folder / "b.grad") << "import \"a.grad\"\nfn g(x) = x\n";
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  SourceManager sources;
  Diagnostics diagnostics(sources);
  EXPECT_FALSE(emitFile(context, sources, (folder / "a.grad").string(), diagnostics));
  EXPECT_NE(diagnostics.render().find("b.grad:1:8: error[G0381]: files import each other: 'a.grad' imports 'b.grad' imports 'a.grad'"), std::string::npos) << diagnostics.render();
  EXPECT_NE(diagnostics.render().find("a.grad:1:8: note: 'b.grad' is imported here"), std::string::npos) << diagnostics.render();
  fs::remove_all(folder);
}
