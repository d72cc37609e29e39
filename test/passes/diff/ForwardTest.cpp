//===- ForwardTest.cpp - Forward mode against reverse mode and dual numbers ------===//
//
// Each case of Cases.h along random directions: compiled tangents against dual numbers and, as <q, J u> = <q J, u>, against the compiled gradient;
// the product with the Hessian by each of the four nestings of the two modes; several directions at once against one after the other.
//
//===----------------------------------------------------------------------===//

#include "codegen/reference/RandomPoint.h"
#include "passes/Phases.h"
#include "test/passes/diff/Cases.h"

#include "mlir/Pass/PassManager.h"

using namespace gradus;
using namespace gradus::reference;

namespace {

/// What a test's text is made of, for arrays of `element`.
struct Text {
  explicit Text(const Case &test, const std::string &element) : test(test), element(element), m("!gradus.array<[n, c], " + element + ">") {
    r = std::string(test.result) == "[]" ? s : "!gradus.array<" + std::string(test.result) + ", " + element + ">";
  }
  std::string typeBehind(const std::string &type, const std::string &seeds) const {
    return seeds.empty() ? type : replaceAll(replaceAll(type, "<[", "<[" + seeds + ", "), ", ]", "]");
  }
  /// The case, its loss and, at will, what stands behind it: with x and y as arguments of a region.
  std::string body(const std::string &rest) const { return "^bb0(%px: " + m + ", %py: " + m + "):\n" + lossBody(test, "%px", "%py", element) + rest; }
  /// Along %u and %v from %x and %y, of what `inside` yields in `%z` of `type`.
  std::string jvp(const std::string &inside, const std::string &type, const std::string &seeds = "", const std::string &name = "t") const {
    std::string d = typeBehind(m, seeds);
    return "%" + name + "0, %" + name + " = gradus.jvp (%a0, %a1) along (%a3, %a4) : (" + m + ", " + m + "), (" + d + ", " + d + ") -> (" + type + "), (" +
           typeBehind(type, seeds) + ") {\n" + inside + "}\n";
  }
  std::string program(const std::string &body, const std::string &type, const std::string &seeds = "") const {
    std::string matrix = "[n, c], " + element, direction = (seeds.empty() ? "[n, c], " : "[" + seeds + ", n, c], ") + element;
    std::string weight = std::string(test.result) + ", " + (std::string(test.result) == "[]" ? "f64" : element);
    std::string given = type.substr(std::string("!gradus.array<").size());
    return function({matrix, matrix, weight, direction, direction}, {given.substr(0, given.size() - 1)}, body);
  }
  /// The tangent of the case itself.
  std::string tangent(const std::string &seeds = "") const {
    std::string given = typeBehind(r, seeds);
    return program(jvp(body("gradus.yield %r : " + r + "\n"), r, seeds) + "gradus.return %t : " + given, given, seeds);
  }
  /// <d loss, (u, v)> by reverse mode.
  std::string alongReverse() const {
    return program("%l, %gx, %gy = gradus.grad (%a0, %a1) : (" + m + ", " + m + ") -> (" + s + ", " + m + ", " + m + ") {\n" + body("gradus.yield %loss : " + s + "\n") + "}\n" +
                       along("%gx", "%gy", "p") + "gradus.return %p : " + s, s);
  }
  /// <gx, u> + <gy, v>
  std::string along(const std::string &gx, const std::string &gy, const std::string &p) const {
    auto dot = [&](const std::string &name, const std::string &a, const std::string &b) {
      return "%" + name + " = gradus.contract " + a + " [0, 1], " + b + " [0, 1] -> [] : " + m + ", " + m + " -> " + s + "\n";
    };
    return dot(p + "x", gx, "%a3") + dot(p + "y", gy, "%a4") + "%" + p + " = gradus.add %" + p + "x, %" + p + "y : " + s + "\n";
  }
  std::string grad(const std::string &inside, const std::string &x, const std::string &y, const std::string &name) const {
    return "%" + name + "v, %" + name + "x, %" + name + "y = gradus.grad (" + x + ", " + y + ") : (" + m + ", " + m + ") -> (" + s + ", " + m + ", " + m + ") {\n" + inside + "}\n";
  }
  /// The part in x of the Hessian's product with (u, v): the gradient of `<grad, (u, v)>`, or of a tangent.
  std::string hessian(bool isForwardInside) const {
    std::string inner = isForwardInside ? replaceAll(jvp(body("gradus.yield %loss : " + s + "\n"), s, "", "p"), "(%a0, %a1)", "(%ox, %oy)")
                                        : grad(body("gradus.yield %loss : " + s + "\n"), "%ox", "%oy", "i") + along("%ix", "%iy", "p");
    std::string outer = "^bb0(%ox: " + m + ", %oy: " + m + "):\n" + inner + "gradus.yield %p : " + s + "\n";
    return program(grad(outer, "%a0", "%a1", "h") + "gradus.return %hx : " + m, m);
  }
  /// The same by forward over reverse.
  std::string forwardOverReverse(const std::string &seeds = "") const {
    std::string inside = "^bb0(%ox: " + m + ", %oy: " + m + "):\n" + grad(body("gradus.yield %loss : " + s + "\n"), "%ox", "%oy", "i") + "gradus.yield %ix : " + m + "\n";
    std::string given = typeBehind(m, seeds);
    return program(jvp(inside, m, seeds) + "gradus.return %t : " + given, given, seeds);
  }
  /// <(u, v), H (u, v)>, by forward over forward or from the product.
  std::string curvature() const {
    std::string inner = replaceAll(jvp(body("gradus.yield %loss : " + s + "\n"), s, "", "p"), "(%a0, %a1)", "(%ox, %oy)");
    return program(jvp("^bb0(%ox: " + m + ", %oy: " + m + "):\n" + inner + "gradus.yield %p : " + s + "\n", s) + "gradus.return %t : " + s, s);
  }
  std::string curvatureFromProduct() const {
    std::string inside = "^bb0(%ox: " + m + ", %oy: " + m + "):\n" + grad(body("gradus.yield %loss : " + s + "\n"), "%ox", "%oy", "i") + "gradus.yield %ix, %iy : " + m + ", " + m + "\n";
    return program("%t0, %t1, %tx, %ty = gradus.jvp (%a0, %a1) along (%a3, %a4) : (" + m + ", " + m + "), (" + m + ", " + m + ") -> (" + m + ", " + m + "), (" + m + ", " + m + ") {\n" +
                       inside + "}\n" + along("%tx", "%ty", "q") + "gradus.return %q : " + s, s);
  }

  const Case &test;
  std::string element, m, s = "!gradus.array<[], f64>", r;
};

PointOptions pointOf(const Case &test) {
  PointOptions options;
  for (const char *name : {"eigh", "qr", "svd"}) // iterations in dual numbers of duals
    if (std::string(test.name).starts_with(name))
      options.sizes = {{"n", 3}, {"c", 2}};
  for (const char *name : {"acos", "asin"}) // of [-1, 1] alone
    options.isPositive |= std::string(test.name) == name;
  if (options.sizes.empty())
    options.sizes = {{"n", 3}, {"c", 4}};
  return options;
}

void compile(Program &program, Phase last) {
  mlir::PassManager passes(program.module->getContext());
  buildPhase(passes, Phase::Differentiate);
  if (last == Phase::Simplify)
    buildPhase(passes, Phase::Simplify);
  ASSERT_TRUE(succeeded(passes.run(*program.module)));
  program.module->walk([](mlir::Operation *op) { EXPECT_NE(op->getName().getStringRef(), "gradus.jvp"); });
}

/// The one result of a compiled program, as numbers.
Values compiled(const std::string &text, const Arrays<double> &args, Phase last) {
  Program program(text);
  compile(program, last);
  Arrays<double> results = program.run(args);
  return results.empty() ? Values{} : results.front().reals;
}

Values byDuals(const std::string &text, const Arrays<double> &args) {
  Arrays<double> results = Program(text).run(args);
  return results.empty() ? Values{} : results.front().reals;
}

Arrays<double> argumentsOf(const std::string &text, const Case &test) {
  Program program(text);
  return makeRandomPoint(program.func(), pointOf(test));
}

class Forward : public testing::TestWithParam<Case> {};

/// `seeds` is empty for one direction.
void expectDuals(const Case &test, const std::string &seeds) {
  for (const char *element : {"f64", "f32"}) {
    std::string text = Text(test, element).tangent(seeds);
    PointOptions options = pointOf(test);
    options.sizes["k"] = 3;
    Program program(text);
    Arrays<double> args = makeRandomPoint(program.func(), options);
    Values expected = byDuals(text, args);
    EXPECT_TRUE(llvm::none_of(expected, [](double x) { return std::isnan(x); }));
    expectNear(compiled(text, args, Phase::Differentiate), expected, 1e-11);
    expectNear(compiled(text, args, Phase::Simplify), expected, 1e-11);
  }
}

TEST_P(Forward, IsThatOfDuals) { expectDuals(GetParam(), ""); }

TEST_P(Forward, IsTheTransposeOfReverse) {
  Text text(GetParam(), "f64");
  Arrays<double> args = argumentsOf(text.tangent(), GetParam());
  Values t = compiled(text.tangent(), args, Phase::Simplify);
  double sum = 0, size = 0;
  ASSERT_EQ(t.size(), args[2].reals.size());
  for (size_t i = 0; i < t.size(); ++i) {
    sum += t[i] * args[2].reals[i];
    size += std::fabs(t[i] * args[2].reals[i]);
  }
  Values reverse = compiled(text.alongReverse(), args, Phase::Simplify);
  ASSERT_EQ(reverse.size(), 1u);
  EXPECT_NEAR(sum, reverse[0], 1e-12 * std::fmax(1, size));
}

TEST_P(Forward, FollowsSeveralDirectionsAtOnce) { expectDuals(GetParam(), "k"); }

TEST_P(Forward, NestsWithReverse) {
  Text text(GetParam(), "f64");
  Arrays<double> args = argumentsOf(text.tangent(), GetParam());
  Values product = compiled(text.forwardOverReverse(), args, Phase::Simplify);
  double size = 1;
  for (double x : product)
    size = std::fmax(size, std::fabs(x));
  expectNear(compiled(text.hessian(/*isForwardInside=*/true), args, Phase::Simplify), product, 1e-12 * size);
  expectNear(compiled(text.hessian(/*isForwardInside=*/false), args, Phase::Simplify), product, 1e-12 * size);
  expectNear(byDuals(text.forwardOverReverse(), args), product, 1e-10 * size);
  expectNear(compiled(text.curvature(), args, Phase::Simplify), compiled(text.curvatureFromProduct(), args, Phase::Simplify), 1e-12 * size);
}

TEST_P(Forward, MultipliesAHessianByAMatrix) {
  std::string text = Text(GetParam(), "f64").forwardOverReverse("k");
  PointOptions options = pointOf(GetParam());
  options.sizes["k"] = 2;
  Program program(text);
  Arrays<double> args = makeRandomPoint(program.func(), options);
  Values product = compiled(text, args, Phase::Simplify);
  double size = 1;
  for (double x : product)
    size = std::fmax(size, std::fabs(x));
  expectNear(byDuals(text, args), product, 1e-10 * size);
}

/// Runs at odd times, keeps at even ones.
std::string every(const char *time) {
  return std::string("%k = gradus.constant dense<2> : tensor<i64>\n%time = gradus.constant dense<") + time + "> : tensor<i64>\n%w = gradus.exp $y : $M\n" +
         "%r = gradus.every %k at %time keep(%w) : !gradus.array<[], i64>, ($M) {\n%e = gradus.sin $x : $M\n%f = gradus.mul %e, %w : $M\ngradus.yield %f : $M\n}";
}

TEST(ForwardAlone, GoesThroughEvery) {
  for (const char *time : {"3", "4"}) {
    std::string body = every(time);
    Case test{"every", "[n, c]", body.c_str()};
    expectDuals(test, "");
    expectDuals(test, "k");
  }
}

TEST(ForwardAlone, KeepsZeroWhatAChoiceMadeZero) {
  Case test{"masked_sqrt", "[n, c]", "%u = gradus.stop $y : $M\n%z = gradus.sub %u, %u : $M\n"
                                     "%c = gradus.compare gt $x, %z : $M -> !gradus.array<[n, c], i1>\n"
                                     "%s = gradus.select %c, $x, %z : !gradus.array<[n, c], i1>, $M\n%q = gradus.sqrt %s : $M\n%r = gradus.add %q, $y : $M"};
  expectDuals(test, "");
  expectDuals(test, "k");
}

INSTANTIATE_TEST_SUITE_P(All, Forward, testing::ValuesIn(cases), [](const auto &info) { return std::string(info.param.name); });

} // namespace
