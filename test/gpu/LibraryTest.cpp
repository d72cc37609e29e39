//===- LibraryTest.cpp - When the library of a device is asked for products ---------===//
//
// The simulated device gets a library whose sums are the CPU's: whatever it is asked for, all results must have the CPU's bits, and a call that is refused must move
// nothing.
//
//===----------------------------------------------------------------------------===//

#include "Simulator.h"
#include "Specs.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>
#include <deque>

using namespace gradus;
using namespace gradus::bits;

namespace {

class Library : public testing::Test {
protected:
  static void SetUpTestSuite() {
    engines = new Engines(GRADUS_TEST_ASKED);
    if (engines->device)
      (void)engines->device->simulate(engines->error);
  }
  static void TearDownTestSuite() { delete engines; }
  void SetUp() override { ASSERT_TRUE(engines->cpu && engines->device && engines->error.empty()) << engines->error; }

  static const EntryLayout &find(const std::string &name) {
    auto found = llvm::find_if(engines->layouts, [&](const EntryLayout &layout) { return layout.cName == name; });
    EXPECT_NE(found, engines->layouts.end()) << name;
    return *found;
  }

  static Engines *engines;
};
Engines *Library::engines = nullptr;

/// One call on both sides.
struct Both {
  Both(Engines &engines, const EntryLayout &layout, std::vector<int64_t> sizes, size_t slots = 1)
      : known(layout, *engines.cpu), entry(engines.device->makeEntry(known, layout, GRADUS_VULKAN)), plain(&known.get(), sizes, slots, {}),
        other(&known.get(), std::move(sizes), slots, {}), simulator(*engines.device) {}

  /// Changes an element of a tensor on both sides.
  template <typename Number>
  void set(size_t tensor, size_t element, Number number) {
    for (AnyCall *call : {&plain, &other})
      static_cast<Number *>(call->getTensors()[tensor].data)[element] = number;
  }
  /// Makes 0 of all sizes that are `size`.
  void empty(int64_t size) {
    for (AnyCall *call : {&plain, &other})
      for (gradus_tensor &tensor : call->getTensors()) {
        std::vector<int64_t> &own = shapes.emplace_back(tensor.dims, tensor.dims + tensor.rank);
        std::replace(own.begin(), own.end(), size, int64_t(0));
        tensor.dims = own.data();
      }
  }
  void run(gradus_status expected = GRADUS_OK) {
    std::string message, before = other.getBits();
    EXPECT_EQ(plain.run(3, 1), expected) << plain.getMessage();
    EXPECT_EQ(runOnDevice(entry, other, simulator, 3, message), expected) << message;
    if (expected == GRADUS_OK)
      EXPECT_TRUE(plain.getBits() == other.getBits());
    other.getReport() = {};
    if (expected != GRADUS_OK)
      EXPECT_TRUE(other.getBits() == before) << "a refused call has moved something";
  }
  size_t asked() const { return simulator.asked.size(); }

  JitEntry known;
  gradus_entry entry;
  AnyCall plain, other;
  Simulator simulator;
  std::deque<std::vector<int64_t>> shapes;
};

} // namespace

TEST_F(Library, isAskedWhereTheHostKnowsAll) {
  // Sizes in the order of the symbols: what is asked for with the library there.
  struct Case {
    const char *name;
    std::vector<int64_t> sizes;
    size_t asked;
  };
  const Case cases[] = {{"plain", {5}, 1},      {"together", {2, 3, 4}, 1}, {"crossed", {2, 3, 4}, 2}, {"one_for_all", {2, 3, 4}, 1}, {"powers", {4}, 5},
                        {"nested", {4}, 6},     {"by_size", {3, 5}, 1},     {"by_size", {5, 3}, 1},    {"by_data", {4}, 0},           {"ended", {4}, 0},
                        {"kept", {4}, 0},       {"looked_up", {4}, 0},      {"waits", {4}, 1},         {"layer", {3, 5, 4}, 1},       {"layer_grad", {3, 5, 4}, 2},
                        {"swapped", {4}, 3},    {"step_step", {3, 5, 4}, 2}};
  for (const Case &known : cases) {
    SCOPED_TRACE(known.name);
    Both both(*engines, find(known.name), known.sizes);
    both.run();
    EXPECT_EQ(both.asked(), 0u);
    size_t const dispatches = both.simulator.getDispatches();
    Both again(*engines, find(known.name), known.sizes);
    again.simulator.addLibrary();
    again.run();
    EXPECT_EQ(again.asked(), known.asked);
    EXPECT_EQ(again.simulator.getDispatches() < dispatches, known.asked > 0);
  }
}

TEST_F(Library, getsSizesAndStrides) {
  Both both(*engines, find("one_for_all"), {2, 3, 4});
  both.simulator.addLibrary();
  both.run();
  ASSERT_EQ(both.asked(), 1u);
  const gradus_device_product &what = both.simulator.asked[0];
  EXPECT_EQ(what.dtype, GRADUS_F32);
  EXPECT_EQ(what.result, GRADUS_F32);
  EXPECT_EQ(what.a, gradus_to_address(both.other.getTensors()[0].data));
  EXPECT_EQ(what.b, gradus_to_address(both.other.getTensors()[1].data));
  EXPECT_EQ(what.count * what.rows, 24); // the rows of all matrices are rows of one, or matrices that share B
  EXPECT_EQ(what.columns, 4);
  EXPECT_EQ(what.inner, 4);
  EXPECT_EQ((std::vector<int64_t>{what.a_row, what.a_column, what.b_row, what.b_column, what.b_next, what.y_row}), (std::vector<int64_t>{4, 1, 1, 4, 0, 4}));
  Both crossed(*engines, find("crossed"), {2, 3, 4});
  crossed.simulator.addLibrary();
  crossed.run();
  ASSERT_EQ(crossed.asked(), 2u);
  for (const gradus_device_product &stack : crossed.simulator.asked)
    EXPECT_EQ((std::vector<int64_t>{stack.count, stack.a_next, stack.b_next, stack.y_next}), (std::vector<int64_t>{3, 16, 32, 16}));
  EXPECT_EQ(crossed.simulator.asked[1].a - crossed.simulator.asked[0].a, 3 * 16 * sizeof(float));
  EXPECT_EQ(crossed.simulator.asked[1].b - crossed.simulator.asked[0].b, 16 * sizeof(float));
}

TEST_F(Library, takesSixteenBitsAsTheyAre) {
  for (auto [name, dtype] : {std::pair("narrow", GRADUS_BF16), {"half", GRADUS_F16}, {"mixed", GRADUS_F32}}) {
    Both both(*engines, find(name), {5, 4});
    both.simulator.addLibrary();
    both.run();
    ASSERT_EQ(both.asked(), 1u) << name;
    EXPECT_EQ(both.simulator.asked[0].dtype, dtype) << name;
    EXPECT_EQ(both.simulator.asked[0].result, GRADUS_F32) << name;
    if (dtype != GRADUS_F32)
      EXPECT_EQ(both.simulator.asked[0].a, gradus_to_address(both.other.getTensors()[0].data)) << name;
  }
}

TEST_F(Library, isNotAskedForLittle) {
  for (bool isEnough : {true, false}) {
    Both both(*engines, find("plain"), {5});
    both.simulator.addLibrary(isEnough ? 125 : 126);
    both.run();
    EXPECT_EQ(both.asked(), isEnough);
    Both stacks(*engines, find("crossed"), {2, 3, 4}); // two calls of three products
    stacks.simulator.addLibrary(isEnough ? 192 : 193);
    stacks.run();
    EXPECT_EQ(stacks.asked(), isEnough ? 2u : 0u);
  }
}

TEST_F(Library, isAskedForEachTensor) {
  // 8 x 6, 4 x 3 and 2 x 2: 384, 48 and 8 multiplications in each of the two products, 440 in three calls.
  for (bool isEnough : {true, false}) {
    Both both(*engines, find("whitened_step"), {8, 6}, 3);
    both.simulator.addLibrary(isEnough ? 146 : 147);
    both.run();
    EXPECT_EQ(both.asked(), isEnough ? 6u : 0u);
  }
}

TEST_F(Library, leavesToKernelsWhatItDeclines) {
  for (size_t takes : {0, 1}) {
    Both both(*engines, find("crossed"), {2, 3, 4});
    both.simulator.addLibrary();
    both.simulator.takes = takes;
    both.run();
    EXPECT_EQ(both.asked(), takes + 1); // then nobody is asked
  }
  Both powers(*engines, find("powers"), {4});
  powers.simulator.addLibrary();
  powers.simulator.takes = 2;
  powers.run();
  EXPECT_EQ(powers.asked(), 5u);
}

TEST_F(Library, endsACallThatFails) {
  Both both(*engines, find("step_step"), {3, 5, 4});
  both.simulator.addLibrary();
  both.simulator.takes = 0;
  both.simulator.answer = GRADUS_ERROR_DEVICE;
  std::string message, before = both.other.getBits();
  EXPECT_EQ(runOnDevice(both.entry, both.other, both.simulator, 3, message), GRADUS_ERROR_DEVICE);
  EXPECT_EQ(both.asked(), 1u);
  EXPECT_TRUE(both.other.getBits() == before);
}

TEST_F(Library, movesNothingOfARefusedCall) {
  for (bool hasLibrary : {false, true}) {
    Both step(*engines, find("step_step"), {3, 5, 4});
    if (hasLibrary)
      step.simulator.addLibrary();
    step.set<float>(0, 0, NAN); // the guard finds it in the gradient
    step.run(GRADUS_ERROR_NONFINITE);
    EXPECT_EQ(step.asked(), hasLibrary ? 2u : 0u);
    for (const char *name : {"looked_up", "waits"}) {
      Both indexed(*engines, find(name), {4});
      if (hasLibrary)
        indexed.simulator.addLibrary();
      indexed.set<int32_t>(2, 0, 4);
      indexed.run(GRADUS_ERROR_INDEX);
    }
  }
}

TEST_F(Library, isNotAskedWithoutSteps) {
  for (int64_t size : {3, 5, 4}) { // the one that is 0
    Both both(*engines, find("layer_grad"), {3, 5, 4});
    both.empty(size);
    both.simulator.addLibrary();
    both.run();
    EXPECT_EQ(both.asked(), 0u);
  }
}
