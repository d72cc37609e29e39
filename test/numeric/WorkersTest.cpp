//===- WorkersTest.cpp - Workers in threads ---------------------------------------===//
//
// The hooks of the context meet at a barrier and add in the order of the workers. Both workers must get the same bits, and where one of them
// refuses a call, neither may write.
//
//===----------------------------------------------------------------------===//

#include "CompiledSpec.h"

#include "passes/Passes.h"

#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"

#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

static constexpr char spec[] = R"(
fn meet(x: [n]) {
  return mean[workers](x), sum[workers](x), max[workers](x), min[workers](sum(x)), any[workers](x > 2), all[workers](x > 2)
}
fn near(x: [n]) {
  return sum[neighbours](x), mean[neighbours](x), min[neighbours](sum(x)), any[neighbours](x > 2)
}
fn seldom(x: [n], at: [n] int) {
  y[i] = x[at[i]]
  return mean[neighbours](y), 2 * x
}
fn sent(x: [n]) = sum[workers](compressed(x, by = largest(1)))
fn largest(x: [n], k: int) = where(rank[descending](abs(x)) < k, x, 0)
fn trade(x: [n], j: [] int) {
  return exchange(x, j), exchange(sum(x), j)
}
fn looked(x: [n], at: [n] int) {
  y[i] = x[at[i]]
  return sum[workers](y), 2 * x
}
fn searched(x: [n], by: [n]) {
  return sum[workers](x) * x[argmax(by) + 1], 2 * x
}
rule local_descent(lr = 0.5, k: int = 2) {
  param w
  grad g
  state kept = w
  state last = 0
  when t % k == 0 { w' = mean[workers](w - lr * g) }
  else { w' = w - lr * g }
  every k { last' = mean[workers](g) }
  kept' = max[workers](w)
}
loss square(w: [d], x: [n, d], y: [n]) = mean((x @ w - y)^2)
train local = minimize square over w with local_descent(lr = 0.25, k = 2)
)";

namespace {

/// Where the workers of a test meet.
class Meeting {
public:
  explicit Meeting(int64_t count) : count(count) {}
  const int64_t count;

  /// Gives `mine` and returns what all have given, when all are here.
  std::vector<std::string> gather(int64_t number, std::string mine) {
    std::unique_lock<std::mutex> lock(mutex);
    given.resize(count);
    given[number] = std::move(mine);
    size_t turn = turns;
    if (++here == count) {
      told = given;
      here = 0;
      ++turns;
      changed.notify_all();
    } else {
      changed.wait(lock, [&] { return turns != turn; });
    }
    return told;
  }

private:
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> given, told;
  int64_t here = 0;
  size_t turns = 0;
};

struct Worker {
  Meeting *meeting;
  int64_t number;
  bool isBroken = false;
  int calls = 0;

  template <typename T>
  static void combine(int32_t combination, llvm::MutableArrayRef<T> into, const T *other) {
    for (size_t i = 0; i < into.size(); ++i)
      into[i] = combination == GRADUS_SUM       ? into[i] + other[i]
                : combination == GRADUS_PRODUCT ? into[i] * other[i]
                : combination == GRADUS_MAX     ? std::max(into[i], other[i])
                                                : std::min(into[i], other[i]);
  }
  static int32_t reduce(void *user, int32_t combination, int32_t dtype, int64_t count, void *data) {
    return combine(static_cast<Worker *>(user), 0, INT64_MAX, combination, dtype, count, data);
  }
  /// On a path, 0 - 1 - 2.
  static int32_t reduceNeighbours(void *user, int32_t combination, int32_t dtype, int64_t count, void *data) {
    auto *self = static_cast<Worker *>(user);
    return combine(self, self->number - 1, self->number + 1, combination, dtype, count, data);
  }
  int64_t countNeighbours() const { return std::min(number + 1, meeting->count - 1) - std::max<int64_t>(number - 1, 0) + 1; }
  /// Of the workers from `first` to `last`, as far as there are such.
  static int32_t combine(Worker *self, int64_t first, int64_t last, int32_t combination, int32_t dtype, int64_t count, void *data) {
    ++self->calls;
    size_t bytes = count * gradus_dtype_size(dtype);
    auto all = self->meeting->gather(self->number, std::string(static_cast<char *>(data), bytes));
    if (self->isBroken)
      return 0;
    all.resize(std::min<size_t>(all.size(), static_cast<size_t>(std::max<int64_t>(last, 0)) + 1));
    all.erase(all.begin(), all.begin() + std::max<int64_t>(first, 0));
    std::memcpy(data, all[0].data(), bytes);
    for (size_t k = 1; k < all.size(); ++k)
      if (dtype == GRADUS_F32)
        combine(combination, llvm::MutableArrayRef(static_cast<float *>(data), count), reinterpret_cast<const float *>(all[k].data()));
      else if (dtype == GRADUS_F64)
        combine(combination, llvm::MutableArrayRef(static_cast<double *>(data), count), reinterpret_cast<const double *>(all[k].data()));
      else
        combine(combination, llvm::MutableArrayRef(static_cast<int64_t *>(data), count), reinterpret_cast<const int64_t *>(all[k].data()));
    return 1;
  }
  static int32_t exchange(void *user, int64_t peer, int32_t dtype, int64_t count, const void *give, void *take) {
    auto *self = static_cast<Worker *>(user);
    size_t bytes = count * gradus_dtype_size(dtype);
    auto all = self->meeting->gather(self->number, std::string(static_cast<const char *>(give), bytes));
    std::memcpy(take, all[peer].data(), bytes);
    return 1;
  }
};

struct Outcome {
  int32_t status = -1;
  gradus_report report{};
  Arrays<double> results;
  bool isUntouched = false;
};

class Workers : public testing::TestWithParam<const char *>, protected CompiledSpec {
protected:
  Workers() : CompiledSpec("workers.grad", spec, GetParam()) {}
  void SetUp() override { ASSERT_TRUE(compiled) << error; }

  /// What a rule of one tensor takes at t = 2, with such a gradient.
  Arrays<double> argumentsOf(FuncOp step, const std::vector<double> &g) {
    Arrays<double> args;
    for (unsigned i = 0; i < step.getNumArguments(); ++i) {
      if (step.getArgRole(i) == Role::Time)
        args.push_back(Array<double>::scalarInt(2));
      else if (step.getArgRole(i) == Role::Hyper)
        args.push_back(cast<ArrayType>(step.getArgumentTypes()[i]).isInt() ? Array<double>::scalarInt(2) : Array<double>::scalar(0.5));
      else
        args.push_back(vector(step.getArgName(i) == "g" ? g : std::vector<double>{2, 4}));
    }
    return args;
  }
  FuncOp find(StringRef name) { return *llvm::find_if(module->getOps<FuncOp>(), [&](FuncOp func) { return func.getSymName() == name; }); }

  /// One worker's call.
  Outcome call(StringRef name, const Arrays<double> &args, const gradus_workers *workers) {
    gradus_context with{};
    with.workers = workers;
    Outcome outcome;
    std::vector<Buffer> buffers = compiled->makeBuffers(name, {args});
    const EntryLayout &layout = compiled->getLayout(name);
    std::vector<std::string> before;
    for (Buffer &buffer : buffers)
      before.emplace_back(buffer.bytes().begin(), buffer.bytes().end());
    outcome.status = compiled->run(name, {args}, buffers, outcome.report, &with);
    outcome.isUntouched = true;
    for (auto [old, buffer] : llvm::zip_equal(before, buffers))
      outcome.isUntouched &= std::equal(old.begin(), old.end(), buffer.bytes().begin());
    for (auto [number, tensor] : llvm::enumerate(layout.tensors))
      if (tensor.result >= 0) {
        bool isReal = tensor.type.isFloat();
        auto array = Array<double>::zeros(isReal ? Kind::Real : tensor.type.getElementType().isInteger(1) ? Kind::Bool : Kind::Integer, buffers[number].shape);
        buffers[number].load(array);
        outcome.results.push_back(array);
      }
    return outcome;
  }

  /// All workers at once, a call of each.
  std::vector<Outcome> callAll(StringRef name, const std::vector<Arrays<double>> &args, bool isBroken = false, bool knowsNeighbours = true) {
    Meeting meeting(args.size());
    std::vector<Outcome> outcomes(args.size());
    std::vector<std::thread> threads;
    for (int64_t k = 0; k < meeting.count; ++k)
      threads.emplace_back([&, k] {
        Worker worker{&meeting, k, isBroken};
        gradus_workers workers{&worker, meeting.count, k, Worker::reduce, Worker::exchange, worker.countNeighbours(), knowsNeighbours ? Worker::reduceNeighbours : nullptr};
        outcomes[k] = call(name, args[k], &workers);
      });
    for (std::thread &thread : threads)
      thread.join();
    return outcomes;
  }
  std::array<Outcome, 2> callBoth(StringRef name, const std::array<Arrays<double>, 2> &args, bool isBroken = false) {
    std::vector<Outcome> both = callAll(name, {args[0], args[1]}, isBroken);
    return {both[0], both[1]};
  }

  static Array<double> vector(std::vector<double> numbers) {
    auto x = Array<double>::zeros(Kind::Real, {static_cast<int64_t>(numbers.size())});
    x.reals = std::move(numbers);
    return x;
  }
  static Array<double> whole(std::vector<int64_t> numbers) {
    auto x = Array<double>::zeros(Kind::Integer, {static_cast<int64_t>(numbers.size())});
    x.ints.assign(numbers.begin(), numbers.end());
    return x;
  }
};

} // namespace

TEST_P(Workers, ReduceElementByElement) {
  auto both = callBoth("meet", {Arrays<double>{vector({1, 5, 3})}, Arrays<double>{vector({2, -4, 8})}});
  for (Outcome &one : both) {
    ASSERT_EQ(one.status, GRADUS_OK);
    EXPECT_EQ(one.results[0].reals, (std::vector<double>{1.5, 0.5, 5.5}));
    EXPECT_EQ(one.results[1].reals, (std::vector<double>{3, 1, 11}));
    EXPECT_EQ(one.results[2].reals, (std::vector<double>{2, 5, 8}));
    EXPECT_EQ(one.results[3].reals, (std::vector<double>{6}));
    EXPECT_EQ(one.results[4].ints[0], 0);
    EXPECT_EQ(one.results[4].ints[1], 1);
    EXPECT_EQ(one.results[5].ints[2], 1);
    EXPECT_EQ(one.results[5].ints[1], 0);
  }
}

TEST_P(Workers, ReduceOverNeighbours) {
  auto all = callAll("near", {Arrays<double>{vector({1, 5})}, Arrays<double>{vector({2, -4})}, Arrays<double>{vector({6, 1})}});
  const std::vector<std::vector<double>> sums{{3, 1}, {9, 2}, {8, -3}};
  const std::vector<double> degrees{2, 3, 2}, least{-2, -2, -2};
  for (auto [k, one] : llvm::enumerate(all)) {
    ASSERT_EQ(one.status, GRADUS_OK);
    EXPECT_EQ(one.results[0].reals, sums[k]);
    for (int i : {0, 1})
      EXPECT_NEAR(one.results[1].reals[i], sums[k][i] / degrees[k], 1e-6);
    EXPECT_EQ(one.results[2].reals[0], least[k]);
    EXPECT_EQ(one.results[3].ints[1], k < 2);
  }
  Outcome alone = call("near", {vector({1, 5})}, nullptr);
  ASSERT_EQ(alone.status, GRADUS_OK);
  EXPECT_EQ(alone.results[0].reals, (std::vector<double>{1, 5}));
  EXPECT_EQ(alone.results[1].reals, (std::vector<double>{1, 5}));
  for (Outcome &one : callAll("near", {Arrays<double>{vector({1, 5})}, Arrays<double>{vector({2, -4})}}, false, /*knowsNeighbours=*/false)) {
    EXPECT_EQ(one.status, GRADUS_ERROR_WORKERS);
    EXPECT_TRUE(one.isUntouched);
  }
}

/// Worker 0 refuses, and worker 2, who is no neighbour of it, must not commit either.
TEST_P(Workers, RefuseTogetherBeyondNeighbours) {
  Array<double> x = vector({1, 2});
  auto all = callAll("seldom", {Arrays<double>{x, whole({0, 2})}, Arrays<double>{x, whole({0, 1})}, Arrays<double>{x, whole({1, 0})}});
  EXPECT_EQ(all[0].status, GRADUS_ERROR_INDEX);
  for (int k : {1, 2})
    EXPECT_EQ(all[k].status, GRADUS_ERROR_WORKERS);
  for (Outcome &one : all)
    EXPECT_TRUE(one.isUntouched);
}

TEST_P(Workers, SendWhatIsCompressed) {
  for (Outcome &one : callBoth("sent", {Arrays<double>{vector({1, -5, 3})}, Arrays<double>{vector({2, 4, 8})}}))
    EXPECT_EQ(one.results[0].reals, (std::vector<double>{0, -5, 8}));
}

TEST_P(Workers, AreOneWhereNobodyElseIs) {
  Arrays<double> args{vector({1, 5, 3})};
  Outcome one = call("meet", args, nullptr);
  ASSERT_EQ(one.status, GRADUS_OK);
  EXPECT_EQ(one.results[0].reals, args[0].reals);
  EXPECT_EQ(one.results[1].reals, args[0].reals);
  Outcome self = call("trade", {args[0], Array<double>::scalarInt(0)}, nullptr);
  ASSERT_EQ(self.status, GRADUS_OK);
  EXPECT_EQ(self.results[0].reals, args[0].reals);
}

TEST_P(Workers, Exchange) {
  auto both = callBoth("trade", {Arrays<double>{vector({1, 2}), Array<double>::scalarInt(1)}, Arrays<double>{vector({3, 4}), Array<double>::scalarInt(0)}});
  EXPECT_EQ(both[0].results[0].reals, (std::vector<double>{3, 4}));
  EXPECT_EQ(both[1].results[0].reals, (std::vector<double>{1, 2}));
  EXPECT_EQ(both[0].results[1].reals, (std::vector<double>{7}));
  EXPECT_EQ(both[1].results[1].reals, (std::vector<double>{3}));
}

TEST_P(Workers, AreNamedWhereTheyAreNotThere) {
  for (int64_t peer : {-1, 1, 7}) {
    Outcome one = call("trade", {vector({1, 2}), Array<double>::scalarInt(peer)}, nullptr);
    EXPECT_EQ(one.status, GRADUS_ERROR_WORKERS);
    EXPECT_EQ(one.report.reserved, 3);
    EXPECT_EQ(one.report.value, static_cast<double>(peer));
    EXPECT_TRUE(one.isUntouched);
  }
}

TEST_P(Workers, RefuseTogether) {
  Array<double> x = vector({1, 2, 3});
  for (int bad = 0; bad < 2; ++bad)
    for (StringRef name : {"looked", "searched"}) {
      SCOPED_TRACE(name.str() + ", refused by worker " + std::to_string(bad));
      std::array<Arrays<double>, 2> args;
      for (int k = 0; k < 2; ++k)
        args[k] = {x, name == "looked" ? whole({0, k == bad ? 3 : 2, 1}) : vector({1, 2, k == bad ? 3.0 : 0.0})};
      auto both = callBoth(name, args);
      EXPECT_EQ(both[bad].status, GRADUS_ERROR_INDEX);
      EXPECT_EQ(both[1 - bad].status, GRADUS_ERROR_WORKERS);
      EXPECT_EQ(both[1 - bad].report.reserved, 1);
      EXPECT_TRUE(both[0].isUntouched && both[1].isUntouched);
      for (int k = 0; k < 2; ++k)
        args[k][1] = name == "looked" ? whole({0, 1, 2}) : vector({1, 2, 0});
      for (Outcome &one : callBoth(name, args)) {
        EXPECT_EQ(one.status, GRADUS_OK);
        EXPECT_EQ(one.results[0].reals, name == "looked" ? (std::vector<double>{2, 4, 6}) : (std::vector<double>{6, 12, 18}));
      }
    }
}

TEST_P(Workers, WriteNothingWhereAHookFails) {
  for (Outcome &one : callBoth("looked", {Arrays<double>{vector({1, 2}), whole({0, 1})}, Arrays<double>{vector({1, 2}), whole({0, 1})}}, /*isBroken=*/true)) {
    EXPECT_EQ(one.status, GRADUS_ERROR_WORKERS);
    EXPECT_EQ(one.report.reserved, 2);
    EXPECT_TRUE(one.isUntouched);
  }
}

/// Two workers with a half of the data each, and one with all of it, make the same step where the workers take their mean.
TEST_P(Workers, MakeTheStepOfAllData) {
  FuncOp step = find("local.step");
  auto argsAt = [&](int64_t t, int64_t from, int64_t rows) {
    Arrays<double> args;
    for (unsigned i = 0; i < step.getNumArguments(); ++i) {
      auto type = cast<ArrayType>(step.getArgumentTypes()[i]);
      StringRef name = step.getArgName(i);
      if (step.getArgRole(i) == Role::Time)
        args.push_back(Array<double>::scalarInt(t));
      else if (step.getArgRole(i) == Role::Hyper)
        args.push_back(type.isInt() ? Array<double>::scalarInt(2) : Array<double>::scalar(0.25));
      else if (type.getRank() == 2) {
        auto x = Array<double>::zeros(Kind::Real, {rows, 2});
        for (int64_t k = 0; k < rows * 2; ++k)
          x.reals[k] = static_cast<double>((5 * (2 * from + k)) % 7) / 4;
        args.push_back(x);
      } else if (name == "y") {
        auto y = Array<double>::zeros(Kind::Real, {rows});
        for (int64_t k = 0; k < rows; ++k)
          y.reals[k] = static_cast<double>(from + k) / 2;
        args.push_back(y);
      } else {
        args.push_back(vector({0.5, -1}));
      }
    }
    return args;
  };
  for (int64_t t : {1, 2}) {
    auto halves = callBoth("local.step", {argsAt(t, 0, 3), argsAt(t, 3, 3)});
    Outcome whole = call("local.step", argsAt(t, 0, 6), nullptr);
    ASSERT_EQ(whole.status, GRADUS_OK);
    bool isAlike = true;
    for (auto [number, expected] : llvm::enumerate(whole.results))
      for (auto [i, x] : llvm::enumerate(expected.reals)) {
        ASSERT_EQ(halves[0].status, GRADUS_OK);
        isAlike &= halves[0].results[number].reals[i] == halves[1].results[number].reals[i];
        bool isMean = t % 2 == 0 && number == 0;
        if (isMean) {
          EXPECT_NEAR(halves[0].results[number].reals[i], x, 1e-5);
        }
      }
    EXPECT_EQ(isAlike, t % 2 == 0); // at t = 1 each has gone its own way
  }
}

/// The rule on its own takes one tensor a call.
TEST_P(Workers, MeetForOneTensorACall) {
  Arrays<double> args = argumentsOf(find("local_descent.step"), {1, 3});
  Outcome one = call("local_descent.step", args, nullptr);
  ASSERT_EQ(one.status, GRADUS_OK);
  EXPECT_EQ(one.results[0].reals, (std::vector<double>{1.5, 2.5}));
  std::vector<Arrays<double>> two{args, args};
  std::vector<Buffer> buffers = compiled->makeBuffers("local_descent.step", two);
  gradus_report report{};
  EXPECT_EQ(compiled->run("local_descent.step", two, buffers, report), GRADUS_ERROR_WORKERS);
  EXPECT_EQ(report.reserved, 4);
}

/// The guard of one worker refuses: it still comes to the meeting, and the other hears of it.
TEST_P(Workers, HearOfAGuard) {
  OwningOpRef<ModuleOp> guarded(module->clone());
  mlir::PassManager passes(&context);
  passes.addNestedPass<FuncOp>(createGuard({"grads"}));
  ASSERT_TRUE(succeeded(passes.run(*guarded)));
  std::unique_ptr<Compiled> plain = std::exchange(compiled, Compiled::create(*guarded, error));
  ASSERT_TRUE(compiled) << error;
  FuncOp step = find("local_descent.step");
  auto argsWith = [&](double g) { return argumentsOf(step, {1, g}); };
  auto fine = callBoth("local_descent.step", {argsWith(3), argsWith(5)});
  EXPECT_EQ(fine[0].status, GRADUS_OK);
  EXPECT_EQ(fine[0].results[0].reals, (std::vector<double>{1.5, 2}));
  for (unsigned bad : {0, 1}) {
    auto both = callBoth("local_descent.step", {argsWith(bad == 0 ? NAN : 3), argsWith(bad == 1 ? INFINITY : 3)});
    EXPECT_EQ(both[bad].status, GRADUS_ERROR_NONFINITE);
    EXPECT_EQ(both[1 - bad].status, GRADUS_ERROR_WORKERS);
    EXPECT_TRUE(both[0].isUntouched && both[1].isUntouched);
  }
  compiled = std::move(plain);
}

INSTANTIATE_TEST_SUITE_P(Types, Workers, testing::Values("f32", "f64"), [](const auto &info) { return info.param; });
