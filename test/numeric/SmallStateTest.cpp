// AdamW with small state beside AdamW in f32, on one fixed problem: the rules that test/bench times move the weights almost as it does, and their second moments are
// off by what their types say.

#include "Compiled.h"

#include "lang/Frontend.h"

#include "gtest/gtest.h"

#include <cmath>
#include <random>

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;
using llvm::StringRef;

namespace {

constexpr int64_t size = 3000, steps = 300;

/// Squares of very different curvature about a point, with noise on the gradient that every rule meets in the same order.
struct Squares {
  std::vector<double> curvature, center;

  Squares() : curvature(size), center(size) {
    std::mt19937_64 bits(5);
    std::normal_distribution<double> normal;
    for (int64_t i = 0; i < size; ++i) {
      curvature[i] = std::exp(1.5 * normal(bits));
      center[i] = normal(bits);
    }
  }

  double loss(const std::vector<double> &w) const {
    double sum = 0;
    for (int64_t i = 0; i < size; ++i)
      sum += 0.5 * curvature[i] * (w[i] - center[i]) * (w[i] - center[i]);
    return sum / size;
  }
  std::vector<double> gradient(const std::vector<double> &w, int64_t t) const {
    std::mt19937_64 bits(1000 + t);
    std::normal_distribution<double> normal;
    std::vector<double> g(size);
    for (int64_t i = 0; i < size; ++i)
      g[i] = curvature[i] * (w[i] - center[i]) + 0.1 * normal(bits);
    return g;
  }
};

struct Trained {
  std::vector<double> losses, w, v;
};

/// The most that a rule may be off from f32: its loss at any step, as a share of the first one; its weights and second moments, as a share of their length; the mean of the
/// quotients of second moments, from 1.
struct Bound {
  const char *rule;
  double loss, weights, moments, bias;
};

} // namespace

static Trained train(StringRef name, uint64_t seed) {
  MLIRContext context;
  context.loadDialect<GradusDialect>();
  SourceManager sources;
  Diagnostics diagnostics(sources);
  std::string path = (name == "adamw" ? GRADUS_TEST_STD "/rules/" : GRADUS_TEST_SPECS "/") + name.str() + ".grad", error;
  auto module = emitFile(context, sources, path, diagnostics, EmitOptions());
  EXPECT_TRUE(module) << diagnostics.render();
  auto compiled = module ? Compiled::create(*module, error) : nullptr;
  EXPECT_TRUE(compiled) << error;
  if (!compiled)
    return {};
  compiled->seed = seed;
  auto step = module->lookupSymbol<FuncOp>(name.str() + ".step");
  std::map<std::string, unsigned> places;
  Arrays<double> args;
  for (unsigned i = 0; i < step.getNumArguments(); ++i) {
    auto type = llvm::cast<ArrayType>(step.getArgumentTypes()[i]);
    places[step.getArgName(i).str()] = i;
    args.push_back(Array<double>::zeros(type.isFloat() ? Kind::Real : Kind::Integer, type.isScalar() ? Shape{} : Shape{size}));
    if (auto initial = step.getArgAttrOfType<FloatAttr>(i, "gradus.default"))
      args.back().reals[0] = initial.getValueAsDouble();
  }
  args[places.at("lr")].reals[0] = 0.02;
  Squares problem;
  Trained result;
  for (int64_t t = 1; t <= steps; ++t) {
    result.losses.push_back(problem.loss(args[places.at("w")].reals));
    args[places.at("g")].reals = problem.gradient(args[places.at("w")].reals, t);
    args[places.at("t")].ints[0] = t;
    auto next = compiled->call(step.getSymName(), {args}, error);
    EXPECT_TRUE(succeeded(next)) << error;
    for (unsigned r = 0; succeeded(next) && r < step.getNumResults(); ++r)
      args[step.getResultOf(r)] = next->front()[r];
  }
  result.w = args[places.at("w")].reals;
  result.v = args[places.at("v")].reals;
  return result;
}

/// The length of a - b over that of b.
static double distance(const std::vector<double> &a, const std::vector<double> &b) {
  double off = 0, all = 0;
  for (auto [x, y] : llvm::zip_equal(a, b)) {
    off += (x - y) * (x - y);
    all += y * y;
  }
  return std::sqrt(off / all);
}

/// Nearest rounding forgets what a step adds to a second moment where that is less than half of its last place, and keeps it too large while gradients fall; rounding by draws
/// has no such bias.
TEST(SmallState, StaysNearThirtyTwoBits) {
  const Bound bounds[] = {
      {"adamw_bf16", 0.01, 0.08, 0.25, 0.12},
      {"adamw_bf16_state", 5e-4, 2e-3, 0.25, 0.12},
      {"adamw_blocks", 0.01, 0.08, 0.2, 0.15},
      {"adamw_stochastic", 5e-4, 2e-3, 0.02, 2e-3},
  };
  Trained wide = train("adamw", 0);
  ASSERT_EQ(wide.losses.size(), size_t(steps));
  EXPECT_LT(wide.losses.back(), 0.05 * wide.losses.front());
  for (const Bound &bound : bounds) {
    SCOPED_TRACE(bound.rule);
    Trained narrow = train(bound.rule, 0);
    ASSERT_EQ(narrow.losses.size(), size_t(steps));
    double worst = 0, quotients = 0;
    for (auto [a, b] : llvm::zip_equal(narrow.losses, wide.losses))
      worst = std::fmax(worst, std::fabs(a - b) / wide.losses.front());
    for (auto [a, b] : llvm::zip_equal(narrow.v, wide.v))
      quotients += a / b / size;
    EXPECT_LT(worst, bound.loss);
    EXPECT_LT(distance(narrow.w, wide.w), bound.weights);
    EXPECT_LT(distance(narrow.v, wide.v), bound.moments);
    EXPECT_LT(std::fabs(quotients - 1), bound.bias);
  }
}
