//===- CSourceTest.cpp - The gradients of the whole shelf as C99 -----------------===//
//
// Every loss of lang/std, of the thirty specs and of Inputs/control.grad: the gradient is printed as C, compiled without a warning and
// called; value and gradients are those of the evaluator, and what is drawn has the same bits.
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/CSource.h"
#include "dialect/DimExpr.h"
#include "test/codegen/emit/Shelf.h"

#include "llvm/ADT/StringExtras.h"

#include <cmath>
#include <dlfcn.h>
#include <fstream>
#include <sstream>
#include <unistd.h>

using namespace gradus;
using namespace gradus::reference;

namespace {

/// What lies between the parentheses of the function, split at the commas.
std::vector<std::string> argumentsOf(const std::string &text, const std::string &name) {
  std::string head = "\ndouble " + name + "(";
  size_t begin = text.find(head);
  EXPECT_NE(begin, std::string::npos) << text;
  begin += head.size();
  llvm::SmallVector<llvm::StringRef> parts;
  llvm::StringRef(text).slice(begin, text.find(") {", begin)).split(parts, ",");
  std::vector<std::string> arguments;
  for (llvm::StringRef part : parts)
    arguments.push_back(part.trim().str());
  return arguments;
}

/// A call with everything in arrays: sizes, arguments, results.
std::string wrapperOf(const std::string &text, const std::string &name, const std::vector<int> &isScalar, size_t numSizes) {
  std::vector<std::string> arguments = argumentsOf(text, name);
  unsigned nextResult = 0;
  std::string call;
  bool hasWorkspace = arguments.back() == "void *workspace";
  for (size_t i = 0; i < arguments.size(); ++i) {
    llvm::StringRef type = llvm::StringRef(arguments[i]).rsplit(' ').first;
    size_t own = i - numSizes;
    call += i ? ", " : "";
    if (i < numSizes)
      call += "sizes[" + std::to_string(i) + "]";
    else if (own < isScalar.size())
      call += (isScalar[own] ? "*(const " + type.str() + " *)" : std::string()) + "arguments[" + std::to_string(own) + "]";
    else if (arguments[i] == "void *workspace" || arguments[i] == "uint64_t seed")
      call += llvm::StringRef(arguments[i]).split(' ').second.ltrim('*').str();
    else
      call += "results[" + std::to_string(nextResult++) + "]";
  }
  std::string sizes;
  for (size_t i = 0; i < numSizes; ++i)
    sizes += (i ? ", sizes[" : "sizes[") + std::to_string(i) + "]";
  std::string head = "double call(const int64_t *sizes, void **arguments, uint64_t seed, void **results, void *workspace)";
  return text + "\n" + head + ";\n" + head + " {\n  (void)sizes, (void)arguments, (void)seed, (void)results, (void)workspace;\n  return " +
         name + "(" + call + ");\n}\nsize_t room(const int64_t *sizes);\nsize_t room(const int64_t *sizes) {\n  (void)sizes;\n  return " +
         (hasWorkspace ? name + "_workspace(" + sizes + ")" : "0") + ";\n}\n";
}

std::string readAll(const std::string &path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

/// What the arguments of a function become for its C: numbers in the types that they are kept in, and the sizes of its symbols in order.
struct Handed {
  std::vector<int> isScalar;
  std::vector<std::vector<char>> bytes;
  std::vector<void *> pointers;
  std::vector<int64_t> sizes;
};

/// Rounds `point` to the types of its arrays and copies it.
Handed handOver(FuncOp func, Arrays<double> &point) {
  Handed handed;
  std::vector<std::pair<mlir::Attribute, int64_t>> dims;
  llvm::StringMap<int64_t> sizes;
  std::set<std::string> symbols;
  for (unsigned i = 0; i < func.getNumArguments(); ++i) {
    auto type = llvm::cast<ArrayType>(func.getArgumentTypes()[i]);
    mlir::Type element = type.getElementType();
    handed.isScalar.push_back(type.isScalar());
    for (auto [dim, size] : llvm::zip_equal(type.getShape(), point[i].shape))
      dims.push_back({dim, size});
    std::vector<char> &bytes = handed.bytes.emplace_back();
    auto append = [&](auto number) { bytes.insert(bytes.end(), reinterpret_cast<char *>(&number), reinterpret_cast<char *>(&number) + sizeof(number)); };
    for (double &number : point[i].reals) {
      if (element.isF64()) {
        append(number);
      } else if (element.isF32()) {
        append(static_cast<float>(number = static_cast<float>(number)));
      } else {
        llvm::APFloat rounded(number);
        bool isLossy;
        rounded.convert(llvm::cast<mlir::FloatType>(element).getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven, &isLossy);
        append(static_cast<uint16_t>(rounded.bitcastToAPInt().getZExtValue()));
        rounded.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &isLossy);
        number = rounded.convertToDouble();
      }
    }
    for (int64_t number : point[i].ints)
      if (type.isBool() && !type.isScalar())
        append(static_cast<uint8_t>(number));
      else if (type.isBool() || element.isInteger(32))
        append(static_cast<int32_t>(number));
      else
        append(number);
  }
  for (std::vector<char> &bytes : handed.bytes)
    handed.pointers.push_back(bytes.data());
  for (auto &[dim, size] : dims)
    if (llvm::isa<mlir::StringAttr>(dim)) {
      for (const std::string &symbol : DimExpr::of(dim).getSymbols())
        symbols.insert(symbol);
      if (!isFormula(dim))
        sizes[llvm::cast<mlir::StringAttr>(dim).getValue()] = size;
    }
  solveSizes(dims, sizes);
  for (const std::string &symbol : symbols)
    handed.sizes.push_back(sizes.lookup(symbol));
  return handed;
}

/// Compiles the C of a function without a warning and calls it: the value, then the results, of which there are as many elements as in `like`.
void call(const std::string &text, const std::string &name, const Handed &handed, uint64_t seed, const Arrays<double> &like, std::vector<std::vector<double>> &got) {
  std::string folder = testing::TempDir() + "/" + name + std::to_string(getpid());
  std::ofstream(folder + ".c") << wrapperOf(text, name, handed.isScalar, handed.sizes.size());
  std::string command = std::string(GRADUS_CLANG) + " -std=c99 -O1 -ffp-contract=off -Wall -Wextra -Werror -shared -fPIC " + folder +
                        ".c -lm -o " + folder + ".so 2> " + folder + ".txt";
  int status = std::system(command.c_str());
  ASSERT_EQ(status, 0) << readAll(folder + ".txt") << text;
  void *library = dlopen((folder + ".so").c_str(), RTLD_NOW);
  ASSERT_TRUE(library) << dlerror();
  auto function = reinterpret_cast<double (*)(const int64_t *, void *const *, uint64_t, void **, void *)>(dlsym(library, "call"));
  auto room = reinterpret_cast<size_t (*)(const int64_t *)>(dlsym(library, "room"));
  std::vector<double> workspace(room(handed.sizes.data()) / 8 + 1, -7.5);
  std::vector<void *> results;
  got.assign(1, {0.0});
  for (const auto &array : llvm::ArrayRef(like).drop_front())
    got.emplace_back(array.size(), -7.5);
  for (auto &array : llvm::MutableArrayRef(got).drop_front())
    results.push_back(array.data());
  got[0][0] = function(handed.sizes.data(), handed.pointers.data(), seed, results.data(), workspace.data());
  EXPECT_EQ(workspace.back(), -7.5) << "beyond the workspace";
  dlclose(library);
  for (const char *suffix : {".c", ".so", ".txt"})
    std::remove((folder + suffix).c_str());
}

/// The numbers of a loss's gradient as C are those of the evaluator up to `tolerance`.
void compare(const ShelfLoss &loss, const PointOptions &options, double tolerance) {
  ShelfGradient shelf(loss);
  FuncOp gradient = shelf.gradient;
  ASSERT_TRUE(gradient) << shelf.said;
  auto text = printAsC(gradient);
  ASSERT_TRUE(succeeded(text)) << shelf.said;
  Arrays<double> point = makeRandomPoint(gradient, options);
  Handed handed = handOver(gradient, point);
  constexpr uint64_t seed = 0x0123456789abcdef;
  std::string error;
  auto expected = evaluate<double>(gradient, point, error, seed);
  ASSERT_TRUE(succeeded(expected)) << error;
  std::vector<std::vector<double>> got;
  ASSERT_NO_FATAL_FAILURE(call(*text, loss.name + "_grad", handed, seed, *expected, got));
  for (size_t k = 0; k < got.size(); ++k) {
    bool isSingle = llvm::cast<ArrayType>(gradient.getResultTypes()[k]).getElementType().isF32(); // which the evaluator does not round
    for (size_t i = 0; i < got[k].size(); ++i) {
      double a = got[k][i], b = (*expected)[k].reals[i];
      if (!(std::isnan(a) && std::isnan(b)) && a != b)
        EXPECT_NEAR(a, b, (isSingle ? 0x1p-23 : tolerance) * std::max(1.0, std::fabs(b))) << "result " << k << ", element " << i << "\n" << *text;
      EXPECT_TRUE(!isSingle || a == static_cast<float>(a)) << a;
    }
  }
}

class CSource : public testing::TestWithParam<ShelfLoss> {};

const std::string controlFile = std::string(GRADUS_TEST_FOLDER) + "/codegen/emit/Inputs/control.grad";

TEST_P(CSource, GivesTheSameNumbers) { compare(GetParam(), {}, 1e-12); }

/// The derivative of a sum of draws is the draws.
TEST(CSourceDraws, HaveTheSameBits) {
  PointOptions options;
  options.sizes["n"] = 500;
  for (uint64_t point = 1; point <= 3; ++point) {
    options.seed = point;
    compare({controlFile, "drawn"}, options, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Library, CSource, testing::ValuesIn(findLosses({controlFile})), [](const auto &info) { return std::to_string(info.index) + "_" + info.param.name; });

} // namespace
