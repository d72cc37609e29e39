//===- GuardTest.cpp - A step that is not finite is refused before it writes ---------===//
//
// Every step of Inputs/guard.grad at each level of the guard, fused and not. One number is spoiled: the first, middle and last element of each gradient (of a
// train unit, of what it is made of) in each slot. The reference evaluator says what the conditions are; compiled code must refuse exactly where one is false,
// name the first of them, and leave every byte as it was; with threads and a function for products of the context too. Where nothing is refused the bits are those of
// the step without a guard. So with zeros over gradients.
//
//===----------------------------------------------------------------------===//

#include "Compiled.h"
#include "CompiledSpec.h"
#include "Operands.h"

#include "codegen/reference/RandomPoint.h"
#include "passes/Passes.h"
#include "passes/step/Guard.h"

#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"

#include <limits>

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

struct Variant {
  const char *level;
  bool noFuse;
};

class GuardedSteps : public testing::TestWithParam<Variant> {
protected:
  void SetUp() override {
    context.loadDialect<GradusDialect>();
    plain = load("off");
    guarded = load(GetParam().level);
    ASSERT_TRUE(plain && guarded);
    without = Compiled::create(*plain, error, {.noFuse = GetParam().noFuse});
    with = Compiled::create(*guarded, error, {.noFuse = GetParam().noFuse});
    ASSERT_TRUE(without && with) << error;
  }

  OwningOpRef<ModuleOp> load(const std::string &level) {
    SourceManager sources;
    Diagnostics diagnostics(sources);
    EmitOptions options;
    options.standardLibrary = GRADUS_TEST_STD;
    auto module = emitFile(context, sources, GRADUS_TEST_INPUTS "/guard.grad", diagnostics, options);
    EXPECT_TRUE(module) << diagnostics.render();
    if (!module)
      return module;
    for (FuncOp func : llvm::make_early_inc_range(module->getOps<FuncOp>()))
      if (func.getKind() != FuncKind::RuleStep && func.getKind() != FuncKind::TrainStep)
        func.erase();
    PassManager passes(&context);
    passes.addNestedPass<FuncOp>(createGuard({level}));
    EXPECT_TRUE(succeeded(passes.run(*module)));
    return module;
  }

  void check(FuncOp func, llvm::ArrayRef<Arrays<double>> slots);
  void checkWith(FuncOp func, llvm::ArrayRef<Arrays<double>> slots, const std::string &expected, const gradus_context *context);

  MLIRContext context;
  OwningOpRef<ModuleOp> plain, guarded;
  std::unique_ptr<Compiled> without, with;
  std::string error;
  unsigned numRefused = 0, numTaken = 0;
};

/// Numbers that every storage type has.
Arrays<double> argumentsOf(FuncOp func, unsigned slot, llvm::StringMap<int64_t> given = {}) {
  PointOptions options{slot + 1, false, std::move(given)};
  const int64_t sizes[] = {17, 1, 40};
  for (Type type : func.getArgumentTypes())
    for (Attribute dim : llvm::cast<ArrayType>(type).getShape())
      if (auto symbol = dyn_cast<StringAttr>(dim); symbol && func.isOpen() && symbol.getValue().ends_with("numel"))
        options.sizes[symbol.getValue()] = sizes[slot];
  Arrays<double> args = makeRandomPoint(func, options);
  for (unsigned i = 0; i < func.getNumArguments(); ++i)
    for (double &x : args[i].reals)
      if (func.getArgRole(i) != Role::Hyper)
        x = std::round(8 * x) / 8 + (func.getArgRole(i) == Role::Data ? 0.0625 : 0);
  return args;
}

std::vector<std::vector<char>> copyOf(llvm::ArrayRef<Buffer> buffers) {
  std::vector<std::vector<char>> bytes;
  for (const Buffer &buffer : buffers)
    bytes.emplace_back(buffer.bytes().begin(), buffer.bytes().end());
  return bytes;
}

/// What the first false condition is about; empty where all hold.
std::string firstRefusal(FuncOp func, llvm::ArrayRef<Arrays<double>> results) {
  for (unsigned index = 0; index < func.getNumResults(); ++index)
    if (auto what = func.getResultAttrOfType<StringAttr>(index, guardAttribute); what && !results.front()[index].ints[0])
      return what.getValue().str();
  return "";
}

/// A function for products of a context: each element in f64, in order.
int32_t multiply(int32_t dtype, int64_t rows, int64_t columns, int64_t inner, const void *a, int64_t aRow, int64_t aColumn, const void *b, int64_t bRow,
                 int64_t bColumn, void *y, int64_t yRow) {
  if (dtype != GRADUS_F32)
    return 0;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < inner; ++k)
        sum += static_cast<double>(static_cast<const float *>(a)[i * aRow + k * aColumn]) * static_cast<const float *>(b)[k * bRow + j * bColumn];
      static_cast<float *>(y)[i * yRow + j] = static_cast<float>(sum);
    }
  return 1;
}

/// No context, and one that has such a function and threads.
template <typename Then>
void withContexts(Then then) {
  then(nullptr);
  gradus_linear_algebra functions{};
  functions.product = multiply;
  int64_t threads = 3;
  gradus_context context{};
  context.user = &threads;
  context.parallel_for = runParallel;
  context.linear_algebra = &functions;
  then(&context);
}

} // namespace

void GuardedSteps::check(FuncOp func, llvm::ArrayRef<Arrays<double>> slots) {
  auto results = evaluateOpen<double>(func, slots, error);
  ASSERT_TRUE(succeeded(results)) << error;
  std::string expected = firstRefusal(func, *results);
  withContexts([&](const gradus_context *context) { checkWith(func, slots, expected, context); });
}

void GuardedSteps::checkWith(FuncOp func, llvm::ArrayRef<Arrays<double>> slots, const std::string &expected, const gradus_context *context) {
  llvm::StringRef name = func.getSymName();
  std::vector<Buffer> buffers = with->makeBuffers(name, slots), others = without->makeBuffers(name, slots);
  std::vector<std::vector<char>> before = copyOf(buffers);
  gradus_report report{}, other{};
  report.value = -1;
  int32_t status = with->run(name, slots, buffers, report, context);
  if (!expected.empty()) {
    ++numRefused;
    ASSERT_EQ(status, GRADUS_ERROR_NONFINITE) << expected;
    EXPECT_EQ(report.what, expected);
    EXPECT_EQ(report.committed, 0);
    EXPECT_EQ(report.value, -1);
    EXPECT_TRUE(copyOf(buffers) == before);
    return;
  }
  ++numTaken;
  ASSERT_EQ(status, GRADUS_OK);
  EXPECT_EQ(without->run(name, slots, others, other, context), GRADUS_OK);
  EXPECT_TRUE(copyOf(buffers) == copyOf(others)); // NaN too
}

TEST_P(GuardedSteps, RefuseWhereTheEvaluatorDoes) {
  for (FuncOp func : guarded->getOps<FuncOp>()) {
    SCOPED_TRACE(func.getSymName().str());
    std::vector<Arrays<double>> slots;
    for (unsigned slot = 0; slot < (func.isOpen() ? 3u : 1u); ++slot)
      slots.push_back(argumentsOf(func, slot));
    check(func, slots);
    Role spoiled = func.getKind() == FuncKind::TrainStep ? Role::Data : Role::Grad;
    for (unsigned slot = 0; slot < slots.size(); ++slot)
      for (unsigned i = 0; i < func.getNumArguments(); ++i) {
        std::vector<double> &reals = slots[slot][i].reals;
        if (func.getArgRole(i) != spoiled || reals.empty())
          continue;
        for (size_t at : {size_t(0), reals.size() / 2, reals.size() - 1})
          for (double by : {std::nan(""), infinity, -infinity}) {
            SCOPED_TRACE(func.getArgName(i).str() + " of slot " + std::to_string(slot) + ", element " + std::to_string(at) + " is " + std::to_string(by));
            double was = std::exchange(reals[at], by);
            check(func, slots);
            reals[at] = was;
          }
      }
  }
  EXPECT_GT(numRefused, 20u);
  EXPECT_GT(numTaken, 9u);
}

/// With finite gradients: only what is made of them is not.
TEST_P(GuardedSteps, RefuseAValueThatOverflows) {
  FuncOp step = guarded->lookupSymbol<FuncOp>("adam_like.step");
  std::vector<Arrays<double>> slots{argumentsOf(step, 0), argumentsOf(step, 1)};
  for (const char *state : {"m", "v"})
    for (Arrays<double> &slot : slots)
      std::fill(slot[findArgument(step, state)].reals.begin(), slot[findArgument(step, state)].reals.end(), 0);
  slots[1][findArgument(step, "g")].reals.back() = 3e38;
  std::vector<Buffer> buffers = with->makeBuffers("adam_like.step", slots);
  std::vector<std::vector<char>> before = copyOf(buffers);
  gradus_report report{};
  bool isFull = std::string(GetParam().level) == "full";
  EXPECT_EQ(with->run("adam_like.step", slots, buffers, report), isFull ? GRADUS_ERROR_NONFINITE : GRADUS_OK);
  EXPECT_EQ(copyOf(buffers) == before, isFull);
  if (isFull)
    EXPECT_STREQ(report.what, "the next value of 'v'");

  FuncOp cut = guarded->lookupSymbol<FuncOp>("cut.step");
  slots = {argumentsOf(cut, 0), argumentsOf(cut, 1)};
  slots[0][findArgument(cut, "g")].reals[3] = 1e30; // its square is no number of f32
  buffers = with->makeBuffers("cut.step", slots);
  before = copyOf(buffers);
  EXPECT_EQ(with->run("cut.step", slots, buffers, report), GRADUS_ERROR_NONFINITE);
  EXPECT_EQ(std::string(report.what), "'g' or a sum over it (guard.grad:15)");
  EXPECT_TRUE(copyOf(buffers) == before);
}

/// A gradient that a train unit makes: the report has its name and element.
TEST_P(GuardedSteps, TellWhichElementOfAGradient) {
  FuncOp step = guarded->lookupSymbol<FuncOp>("both.step");
  std::vector<Arrays<double>> slots{argumentsOf(step, 0)};
  Array<double> &X = slots[0][findArgument(step, "X")], &y = slots[0][findArgument(step, "y")];
  Array<double> &w = slots[0][findArgument(step, "w")], &c = slots[0][findArgument(step, "c")];
  for (Array<double> *array : {&X, &y, &w, &c})
    std::fill(array->reals.begin(), array->reals.end(), 0);
  std::fill(y.reals.begin(), y.reals.end(), 1);
  y.reals[0] = 0; // the root of 0 has an infinite derivative
  X.reals[1] = 1;
  std::vector<Buffer> buffers = with->makeBuffers("both.step", slots);
  std::vector<std::vector<char>> before = copyOf(buffers);
  gradus_report report{};
  int32_t status = with->run("both.step", slots, buffers, report);
  if (std::string(GetParam().level) == "joint") {
    EXPECT_EQ(status, GRADUS_OK);
    return;
  }
  EXPECT_EQ(status, GRADUS_ERROR_NONFINITE);
  EXPECT_STREQ(report.what, "the gradient of 'w'");
  EXPECT_EQ(report.element, GetParam().noFuse ? -1 : 0); // where each operation has a kernel, that of the sum does not see the gradient
  EXPECT_TRUE(copyOf(buffers) == before);
}

/// The second of two gradients that are products of matrices, whose units are looked at as soon as they are there, by several threads: all of the first is fine
/// then, and its update may write none the less. The element is in the last unit.
TEST_P(GuardedSteps, TellWhichElementOfAProduct) {
  for (const auto &[unit, columns] : {std::pair("wide_pair", 33), std::pair("crossed_pair", 129)}) {
    SCOPED_TRACE(unit);
    std::string name = std::string(unit) + ".step";
    FuncOp step = guarded->lookupSymbol<FuncOp>(name);
    std::vector<Arrays<double>> slots{argumentsOf(step, 0, {{"d", 400}, {"n", 3}, {"h", columns}})};
    auto fill = [&](const char *argument, double by) {
      std::vector<double> &reals = slots[0][findArgument(step, argument)].reals;
      std::fill(reals.begin(), reals.end(), by);
    };
    auto expectStep = [&](bool isRefused, int64_t element) {
      std::vector<std::vector<char>> first;
      for (int64_t threads : {0, 1, 2, 3, 7}) {
        SCOPED_TRACE(std::to_string(threads) + " threads");
        gradus_context own{};
        own.user = &threads;
        own.parallel_for = runParallel;
        std::vector<Buffer> buffers = with->makeBuffers(name, slots), others = without->makeBuffers(name, slots);
        std::vector<std::vector<char>> before = copyOf(buffers);
        gradus_report report{}, other{};
        int32_t status = with->run(name, slots, buffers, report, threads ? &own : nullptr);
        ASSERT_EQ(status, isRefused ? GRADUS_ERROR_NONFINITE : GRADUS_OK);
        if (isRefused) {
          EXPECT_STREQ(report.what, "the gradient of 'V'");
          EXPECT_EQ(report.element, GetParam().noFuse ? -1 : element);
          EXPECT_EQ(report.committed, 0);
          EXPECT_TRUE(copyOf(buffers) == before);
          continue;
        }
        EXPECT_EQ(without->run(name, slots, others, other), GRADUS_OK);
        EXPECT_TRUE(copyOf(buffers) == copyOf(others));
        EXPECT_FALSE(copyOf(buffers) == before);
      }
    };
    fill("U", 0);
    fill("V", 0);
    fill("Y", 1);
    expectStep(/*isRefused=*/false, -1);
    // The derivative of the root of 1e-6 is large, and times this one element of X it is no number of f32.
    slots[0][findArgument(step, "Y")].reals[columns - 1] = 1e-6;
    slots[0][findArgument(step, "X")].reals[399] = 3e38;
    expectStep(std::string(GetParam().level) != "joint", 400 * columns - 1);
  }
}

/// Zeros over the gradients of every rule: all else has the bits of before, and a refused step leaves the gradients too.
TEST_P(GuardedSteps, LeaveZerosForGradients) {
  OwningOpRef<ModuleOp> zeroing(guarded->clone());
  PassManager passes(&context);
  passes.addNestedPass<FuncOp>(createZeroGrads());
  ASSERT_TRUE(succeeded(passes.run(*zeroing)));
  auto zeroed = Compiled::create(*zeroing, error, {.noFuse = GetParam().noFuse});
  ASSERT_TRUE(zeroed) << error;
  for (FuncOp func : guarded->getOps<FuncOp>()) {
    llvm::StringRef name = func.getSymName();
    SCOPED_TRACE(name.str());
    std::vector<Arrays<double>> slots;
    for (unsigned slot = 0; slot < (func.isOpen() ? 3u : 1u); ++slot)
      slots.push_back(argumentsOf(func, slot));
    for (bool isBad : {false, true}) {
      if (int64_t g = findArgument(func, "g"); isBad && g >= 0)
        slots.back()[g].reals.back() = infinity;
      std::vector<Buffer> buffers = zeroed->makeBuffers(name, slots), others = with->makeBuffers(name, slots);
      std::vector<std::vector<char>> before = copyOf(buffers);
      gradus_report report{}, other{};
      int32_t status = with->run(name, slots, others, other);
      ASSERT_EQ(zeroed->run(name, slots, buffers, report), status);
      const EntryLayout &layout = zeroed->getLayout(name);
      for (auto [number, buffer] : llvm::enumerate(buffers)) {
        auto bytes = buffer.bytes();
        bool isZeroed = status == GRADUS_OK && layout.tensors[number % layout.tensors.size()].role == GRADUS_GRAD;
        if (isZeroed)
          EXPECT_TRUE(llvm::all_of(bytes, [](char byte) { return byte == 0; })) << number;
        else
          EXPECT_TRUE(bytes == others[number].bytes()) << number;
      }
      if (status != GRADUS_OK)
        EXPECT_TRUE(copyOf(buffers) == before);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, GuardedSteps,
                         testing::Values(Variant{"joint", false}, Variant{"joint", true}, Variant{"grads", false}, Variant{"grads", true},
                                         Variant{"full", false}, Variant{"full", true}),
                         [](const auto &info) { return std::string(info.param.level) + (info.param.noFuse ? "NotFused" : "Fused"); });
