//===- Commands.cpp - The table of commands -----------------------------------===//

#include "codegen/driver/Commands.h"

#include "codegen/emit/Version.h"
#include "runtime/gradus.h"

#include "llvm/Config/llvm-config.h"
#include "llvm/Support/raw_ostream.h"

namespace gradus::driver {

static constexpr OptionSpec dtype{"--dtype", "f32|f64", "storage of parameters, gradients and data (default f32)"};
static constexpr OptionSpec exactDiv{"--fp", "exact-div|reciprocal",
                                     "divide by rank-0 values, or multiply by their reciprocals (default reciprocal)"};
static constexpr OptionSpec guard{"--guard", "off|joint|grads|full",
                                  "what a step refuses if it is not finite, before it writes (default: grads of train units, joint of rules)"};
static constexpr OptionSpec importFolder{"-I", "DIR", "also look for imports there; may come often"};
static constexpr OptionSpec inPlace{"--in-place", "NAME",
                                    "the gradient of a loss in this argument, or LOSS.ARGUMENT, is written over it: no output for it; may come often"};
static constexpr OptionSpec noFuse{"--no-fuse", "", "one kernel for each operation, for comparison"};
static constexpr OptionSpec size{"--size", "NAME=N", "a size of the spec, in the place of its default; may come often"};
static constexpr OptionSpec target{"--target", "x86-64-v3|x86-64-v4|native", "instruction set of the code (default x86-64-v3)"};
static constexpr OptionSpec zeroGrads{"--zero-grads", "", "the step of a rule writes zeros over its gradients"};

static constexpr OptionSpec benchOptions[] = {
    importFolder,
    {"--dim", "NAME=N", "the size of a dimension, or of a parameter of any shape (default 2^22 for arrays of rank 1, 2^10 for rank 2, ..); may come often"},
    dtype,
    {"--entry", "TEXT", "only entries whose name holds the text"},
    exactDiv,
    guard,
    {"--json", "", "as JSON, for programs"},
    noFuse,
    {"--rounds", "N", "of which the medians are taken (default 21; fewer where an entry takes more than 10 s)"},
    size,
    {"--target", "x86-64-v3|x86-64-v4|native", "instruction set of the code (default native)"},
    {"--threads", "N", "default: as many as this machine runs at once"},
};
static constexpr OptionSpec buildOptions[] = {
    importFolder,
    {"-o", "DIR", "where the artifacts go (default: the current folder)"},
    dtype,
    exactDiv,
    guard,
    {"--host-only", "ENTRY", "no code for devices of that entry; may come often"},
    inPlace,
    noFuse,
    {"--prefix", "PREFIX", "starts every exported symbol"},
    {"--ptxas", "FILE", "makes cubins of PTX, or none (default: that of PATH, CUDA_ROOT, CUDA_HOME or /usr/local/cuda, where one is there)"},
    size,
    {"--target", "TARGET[,TARGET]",
     "x86-64-v3, x86-64-v4 or both, of which a call runs the better one that the machine has; or native (default x86-64-v3,x86-64-v4). And devices: vulkan, nvptx:sm_80,sm_90"},
    zeroGrads,
};
static constexpr OptionSpec checkOptions[] = {
    importFolder,
    {"--at", "NAME=[NUMBERS]", "also try losses where that argument is this, or NAME=FILE.csv; once for each argument"},
    {"--seed", "N", "of the random points (default 0)"},
    {"--no-gradients", "", "types and shapes only"},
    size,
};
static constexpr OptionSpec emitOptions[] = {
    importFolder,
    dtype,
    exactDiv,
    guard,
    inPlace,
    noFuse,
    size,
    {"--stage", "PHASE", "print after: emit, differentiate, simplify, fuse, lower, llvm, llvm-ir, asm (default emit)"},
    target,
    zeroGrads,
};
static constexpr OptionSpec explainOptions[] = {
    importFolder,
    dtype,
    exactDiv,
    guard,
    inPlace,
    {"--json", "", "as JSON, for programs"},
    noFuse,
    size,
    {"--svg", "FILE.svg", "the plans as a picture too"},
    zeroGrads,
};
static constexpr OptionSpec fmtOptions[] = {
    {"--check", "", "change nothing; exit with 1 where a file is not formatted"},
};
static constexpr OptionSpec gradOptions[] = {
    importFolder,
    {"--emit", "spec|latex|c|mlir", "Gradus source, an align* environment, a C99 function in f64, or the dialect (default spec)"},
    {"--of", "LOSS", "the loss (default: all)"},
    {"--wrt", "NAMES", "the arguments, with commas between (default: all floating ones that are no data)"},
};
static constexpr OptionSpec lspOptions[] = {
    importFolder,
};
static constexpr OptionSpec plotOptions[] = {
    importFolder,
    {"-o", "FILE.svg", "where the picture goes, - for standard output (default: NAME.svg of the first unit)"},
    {"--from", "X", "where a function begins (default -4)"},
    {"--no-derivative", "", "a function without its derivative"},
    {"--of", "CALLS", "the units with their arguments, 'adam(lr = 0.1), sgd' (default: the unit that is named as its file, or the only one)"},
    {"--on", "beale|himmelblau|quadratic|rosenbrock", "the test function of a rule (default rosenbrock)"},
    {"--seed", "N", "of the draws of a rule (default 0)"},
    {"--start", "X,Y", "where the path of a rule begins (default: a point of the test function)"},
    {"--steps", "N", "of a schedule (default 1000) or of a rule (default 500)"},
    {"--to", "X", "where a function ends (default 4)"},
};
static constexpr OptionSpec runOptions[] = {
    importFolder,
    {"--batch", "N", "rows a step (default: all)"},
    {"--checkpoint", "FILE", "taken up where it exists, written every 100 steps and at the end"},
    {"--data", "FILE.csv", "one sample a line, the target last; a first line without any number is skipped"},
    {"--device", "cpu|cuda|vulkan", "where the steps are made (default cpu)"},
    {"--dim", "NAME=N", "the size of a dimension that the data do not tell; may come often"},
    dtype,
    {"--engine", "reference|cpu", "the f64 evaluator, or compiled code (default cpu)"},
    guard,
    {"--hyper", "NAME=VALUE", "a hyper-parameter; may come often"},
    {"--plot", "FILE.svg", "the loss of each step as a picture, with its mean over the last steps"},
    {"--seed", "N", "of the first parameters, the order of the rows and the draws (default 0)"},
    size,
    {"--steps", "N", "how many (default 1000)"},
    {"--unit", "NAME", "the train unit (default: the only one)"},
};
static constexpr OptionSpec testOptions[] = {
    importFolder,
    {"--engine", "reference|cpu|both", "the evaluator, compiled code, or each (default both)"},
    {"--filter", "TEXT", "only tests whose title holds the text; an error if none does"},
    {"--seed", "N", "of the inputs of properties (default 0)"},
};

static constexpr llvm::StringRef buildDetails =
    "with a device among the targets each entry `e` is also `e_vulkan` and `e_cuda`, over the same structs: SPIR-V for any device of Vulkan 1.2, PTX for the devices from\n"
    "each architecture on, and a cubin for it where ptxas is found. No driver and no toolkit is needed to build. What has no form for devices is an error at its place.\n";

static constexpr llvm::StringRef checkDetails =
    "checks, at points of the sets and intervals that arguments lie in:\n"
    "  gradient     of each loss: reverse mode against forward mode (dual numbers), central differences and complex steps, at random points, at 0,\n"
    "               where all is equal, at 1 and -1, near and far from 0, and at the point that --at gives\n"
    "  Hessian      of each loss without 'stop' and derivatives of one's own: <u, H v> = <v, H u>, and H u by forward mode over forward mode\n"
    "  Jacobian     of each fn that is an entry: <v, J u> = <J' v, u>, one by forward, one by reverse mode, and both against differences\n"
    "  derivative   that a spec writes, and that of each inner problem: against differences of the body wherever it is used. One whose body is constant\n"
    "               piece by piece, or that is written surrogate(..), is reported as a surrogate\n"
    "  prox         and projection: no competitor is better\n"
    "  step         of each rule and train unit: finite, and the same before and after the phases; a gradient that it takes itself against differences\n"
    "a failure names the worst element and the operation or the clause in the spec whose derivative is wrong. What cannot be tried is said, with the\n"
    "reason, and counted.\n";

static constexpr llvm::StringRef benchDetails =
    "prints for each entry: ns an element (of the parameters, or else of the largest array), the bytes an element if each array is read and written once, those that\n"
    "the loops of its kernels load and store ('-' where they are not counted), GB/s of the former, the time over that of scale in place over as many bytes,\n"
    "and the spread: 80 % of the times lie within, as a share of the median. Entry and scale run in turn, on the same threads. Arrays are normal numbers, what counts\n"
    "or chooses is 0, states are the first ones, hyper-parameters have their defaults. Steps are timed with their guards; --guard=off leaves them out.\n";

static constexpr llvm::StringRef plotDetails =
    "draws, in f64 by the reference evaluator:\n"
    "  schedule    its value at each step\n"
    "  fn, loss    of one number: the value, and the derivative that the compiler makes\n"
    "  prox        and projection, of one number: what it makes of it, beside the number itself; a step that the call leaves out is 1\n"
    "  rule        its path over the contours of a test function of two numbers; a rule of matrices gets one of a single row\n"
    "several units of one kind are drawn in one picture. It is readable on light and on dark pages.\n";

static constexpr CommandSpec commands[] = {
    {"bench", "time the entries beside the memory's speed", "SPEC.grad", benchOptions, "gradus bench adamw.grad --dim w=16777216", runBench, benchDetails},
    {"build", "compile to an archive, a C and a C++ header, a manifest and a depfile", "SPEC.grad", buildOptions,
     "gradus build adamw.grad -o out", runBuild, buildDetails},
    {"check", "types and shapes, then everything that has a derivative against what shares no code with it", "SPEC.grad", checkOptions,
     "gradus check logistic.grad --at 'w=[0, 0, 1]'", runCheck, checkDetails},
    {"emit", "print the program after a phase", "SPEC.grad", emitOptions, "gradus emit adamw.grad --stage=fuse", runEmit},
    {"explain", "kernels, bytes and flops per element, what was fused and why not", "SPEC.grad", explainOptions,
     "gradus explain adamw.grad", runExplain},
    {"fmt", "rewrite specs in the canonical form", "SPEC.grad ...", fmtOptions, "gradus fmt adamw.grad", runFmt},
    {"grad", "print the gradient of a loss as Gradus source, LaTeX or C99", "SPEC.grad", gradOptions, "gradus grad logistic.grad --wrt w", runGrad},
    {"lsp", "serve an editor on standard input and output: messages as you type, types, definitions, completion, layout", "", lspOptions, "gradus lsp", runLsp},
    {"plot", "draw schedules, functions with their derivatives, proxes, or the paths of rules", "SPEC.grad ...", plotOptions,
     "gradus plot adam.grad sgd.grad --of 'adam(lr = 0.1), sgd(lr = 1e-3)' --on rosenbrock -o paths.svg", runPlot, plotDetails},
    {"run", "train a unit on CSV data", "SPEC.grad", runOptions,
     "gradus run digits.grad --unit softmax --data digits.csv --batch 64 --plot loss.svg", runRun},
    {"test", "run the test blocks in f64, evaluated and compiled; fails where none ran", "SPEC.grad ...", testOptions, "gradus test adamw.grad", runTest},
};

llvm::ArrayRef<CommandSpec> getCommands() { return commands; }

void printVersion(llvm::raw_ostream &os) {
  os << "gradus " << gradusVersion << "\nLLVM " << LLVM_VERSION_STRING << "\nABI " << GRADUS_ABI_VERSION << "\nmanifest schema "
     << manifestSchemaVersion << '\n';
}

} // namespace gradus::driver
