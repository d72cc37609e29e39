//===- RoleTest.cpp - What is shared, left out or reported in a call of many slots ---===//
//
// Inputs/roles.grad and joined.grad, called through the runtime: what is one for all slots is given in slot 0 alone, inputs and reports may have null
// data, and every number is the evaluator's.
//
//===----------------------------------------------------------------------===//

#include "Compiled.h"

#include "codegen/cpu/JitEntry.h"
#include "codegen/reference/RandomPoint.h"
#include "lang/Frontend.h"

#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

namespace {

/// Whether one kernel is made for each operation.
class Roles : public testing::TestWithParam<bool> {
protected:
  void SetUp() override { open("roles.grad", "roles.step", {1000, 17, 5}); }

  /// Compiles a file and takes one of its entries, at a random point for each slot.
  void open(const std::string &file, StringRef name, ArrayRef<int64_t> sizes) {
    Diagnostics diagnostics(sources);
    module = emitFile(context, sources, GRADUS_TEST_INPUTS "/" + file, diagnostics, {.dtype = "f32", .standardLibrary = ""});
    ASSERT_TRUE(module);
    copy = module->clone();
    PassManager passes(&context);
    buildPhasesUpTo(passes, Phase::Lower, {.noFuse = GetParam()});
    ASSERT_TRUE(succeeded(passes.run(*copy)) && succeeded(convertToLLVMDialect(*copy)));
    jit = Jit::create(*copy, CpuTarget{}, error);
    ASSERT_TRUE(jit) << error;
    step = module->lookupSymbol<FuncOp>(name);
    entry = std::make_unique<JitEntry>(computeEntryLayout(step), *jit);
    ASSERT_TRUE(entry->isThere());
    slots.clear();
    for (int64_t size : sizes) {
      PointOptions options{static_cast<uint64_t>(size), true, {}};
      options.sizes["w.numel"] = size;
      slots.push_back(makeRandomPoint(step, options));
      for (auto [index, array] : llvm::enumerate(slots.back())) {
        for (double &x : array.reals)
          x = static_cast<float>(x);
        if (step.getArgAttr(index, "gradus.shared"))
          array = slots.front()[index];
      }
    }
  }

  unsigned find(StringRef name) const {
    for (unsigned i = 0; i < step.getNumArguments(); ++i)
      if (step.getArgName(i) == name)
        return i;
    return ~0u;
  }
  size_t findTensor(StringRef name) const {
    return llvm::find_if(layout().tensors, [&](const EntryTensor &tensor) { return tensor.name == name; }) - layout().tensors.begin();
  }
  const EntryLayout &layout() const { return entry->getLayout(); }

  /// Memory for all tensors; descriptors of shared ones behind slot 0 are rubbish.
  void makeTensors() {
    buffers.clear();
    buffers.reserve(slots.size() * layout().tensors.size()); // descriptors point into them
    tensors.clear();
    for (auto [slot, args] : llvm::enumerate(slots))
      for (const EntryTensor &tensor : layout().tensors) {
        Shape shape = tensor.argument >= 0 ? args[tensor.argument].shape : tensor.rank ? args[find(args.size() > find("w") ? "w" : "c")].shape : Shape();
        buffers.emplace_back(tensor.dtype, shape);
        if (tensor.argument >= 0)
          buffers.back().store(args[tensor.argument]);
        tensors.push_back(buffers.back().describe());
        if (slot > 0 && tensor.shared)
          tensors.back() = {reinterpret_cast<void *>(1), nullptr, nullptr, 77, 99, -1, -1};
      }
  }

  gradus_status call() {
    std::vector<double> hypers;
    for (const EntryHyper &hyper : layout().hypers)
      hypers.push_back(slots[0][hyper.argument].reals[0]);
    gradus_report report;
    error.clear();
    return entry->call(hypers.data(), 1, 0, tensors, &report, error);
  }

  Array<double> read(size_t slot, size_t tensor) {
    auto type = layout().tensors[tensor].type;
    const Buffer &buffer = buffers[(layout().tensors[tensor].shared ? 0 : slot) * layout().tensors.size() + tensor];
    Array<double> array = Array<double>::zeros(type.isFloat() ? Kind::Real : Kind::Integer, buffer.shape);
    buffer.load(array);
    return array;
  }

  /// Every result of every slot against the evaluator's.
  void expectResults() {
    auto expected = evaluateOpen<double>(step, slots, error);
    ASSERT_TRUE(succeeded(expected)) << error;
    for (size_t slot = 0; slot < slots.size(); ++slot)
      for (auto [number, tensor] : llvm::enumerate(layout().tensors)) {
        if (tensor.result < 0 || !tensors[(tensor.shared ? 0 : slot) * layout().tensors.size() + number].data)
          continue;
        SCOPED_TRACE(tensor.name + " of slot " + std::to_string(slot));
        Array<double> got = read(slot, number), &right = (*expected)[slot][tensor.result];
        EXPECT_EQ(got.ints, right.ints);
        ASSERT_EQ(got.reals.size(), right.reals.size());
        for (auto [x, y] : llvm::zip_equal(got.reals, right.reals))
          EXPECT_NEAR(x, y, 2e-5 * std::fmax(1, std::fabs(y)));
      }
  }

  MLIRContext context;
  SourceManager sources;
  OwningOpRef<ModuleOp> module, copy;
  mutable FuncOp step; // a handle: its accessors are not const
  std::unique_ptr<Jit> jit;
  std::unique_ptr<JitEntry> entry;
  std::vector<Arrays<double>> slots;
  std::vector<Buffer> buffers;
  std::vector<gradus_tensor> tensors;
  std::string error;
};

} // namespace

TEST_P(Roles, WhatIsSharedStandsInTheFirstSlot) {
  for (int round = 0; round < 3; ++round) {
    SCOPED_TRACE(round);
    makeTensors();
    ASSERT_EQ(call(), GRADUS_OK) << error;
    expectResults();
    for (size_t slot = 0; slot < slots.size(); ++slot)
      for (auto [number, tensor] : llvm::enumerate(layout().tensors))
        if (tensor.argument >= 0 && tensor.written)
          slots[slot][tensor.argument] = read(slot, number);
  }
  EXPECT_EQ(slots[2][find("n")].ints[0] - slots[1][find("n")].ints[0], 0);
}

TEST_P(Roles, ATrainUnitHasThemToo) {
  open("joined.grad", "joined.step", {7});
  makeTensors();
  ASSERT_EQ(call(), GRADUS_OK) << error;
  expectResults();
  for (StringRef name : {"A.inner", "else.gain", "A.n", "c.mask", "A.pull", "A.scale"})
    EXPECT_LT(findTensor(name), layout().tensors.size()) << name.str();
}

TEST_P(Roles, AnInputLeftOutIsItsDefault) {
  makeTensors();
  for (auto [slot, name] : {std::pair(1, "mask"), std::pair(2, "mask"), std::pair(0, "weight"), std::pair(2, "weight"), std::pair(0, "table")}) {
    gradus_tensor &tensor = tensors[slot * layout().tensors.size() + findTensor(name)];
    tensor = {nullptr, nullptr, nullptr, -5, 99, -1, -1};
    double value = *layout().tensors[findTensor(name)].initial;
    for (Arrays<double> &args : slots)
      if (&args == &slots[slot] || std::string(name) == "table")
        std::fill(args[find(name)].reals.begin(), args[find(name)].reals.end(), value);
  }
  ASSERT_EQ(call(), GRADUS_OK) << error;
  expectResults();
}

TEST_P(Roles, AReportNobodyWantsIsNotWritten) {
  makeTensors();
  const size_t count = layout().tensors.size();
  tensors[findTensor("direction")].data = nullptr;
  tensors[count + findTensor("size")].data = nullptr;
  tensors[findTensor("gain")].data = nullptr;
  ASSERT_EQ(call(), GRADUS_OK) << error;
  expectResults();
  for (size_t number : {findTensor("direction"), count + findTensor("size"), findTensor("gain")})
    for (char byte : buffers[number].bytes())
      EXPECT_EQ(byte, 0);
}

TEST_P(Roles, ACollectionWithoutTensorsKeepsItsState) {
  makeTensors();
  tensors.clear();
  EXPECT_EQ(call(), GRADUS_OK) << error;
}

TEST_P(Roles, WhatIsSharedMustNotMeetAnotherTensor) {
  makeTensors();
  const size_t count = layout().tensors.size();
  tensors[findTensor("seen")].data = tensors[2 * count + findTensor("w")].data;
  EXPECT_EQ(call(), GRADUS_ERROR_OVERLAP);
  makeTensors();
  tensors[findTensor("kl")].data = nullptr;
  EXPECT_EQ(call(), GRADUS_ERROR_NULL);
  makeTensors();
  const int64_t four = 4;
  tensors[findTensor("seen")].dims = &four;
  EXPECT_EQ(call(), GRADUS_ERROR_SHAPE);
}

INSTANTIATE_TEST_SUITE_P(Spec, Roles, testing::Bool(), [](const auto &info) { return info.param ? "NotFused" : "Fused"; });
