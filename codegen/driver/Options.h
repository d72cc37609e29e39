//===- Options.h - The rows of options --------------------------------------------===//
//
// Only what has a row here can be parsed, and only what has a row here can be asked for: `OptionName` looks it up when the compiler is compiled.
//
//===------------------------------------------------------------------------------===//

#pragma once

#include "codegen/driver/CommandSpec.h"

#include <span>
#include <string_view>

namespace gradus::driver::options {

constexpr ArgumentSpec text(llvm::StringRef as) { return {as, Accepts::Text, {}}; }
constexpr ArgumentSpec oneOf(llvm::StringRef words) { return {words, Accepts::Word, words}; }
constexpr ArgumentSpec oneOf(llvm::StringRef as, llvm::StringRef words) { return {as, Accepts::Word, words}; }
constexpr ArgumentSpec someOf(llvm::StringRef as, llvm::StringRef words) { return {as, Accepts::Words, words}; }
constexpr ArgumentSpec file(llvm::StringRef as, llvm::StringRef endings = {}) { return {as, Accepts::File, endings}; }
constexpr ArgumentSpec folder(llvm::StringRef as) { return {as, Accepts::Folder, {}}; }
constexpr OptionSpec option(llvm::StringRef name, ArgumentSpec argument, llvm::StringRef help) { return {name, argument, help}; }

//===----------------------------------------------------------------------===//
// Those of several commands
//===----------------------------------------------------------------------===//

inline constexpr OptionSpec dtype = option("--dtype", oneOf("f32|f64"), "storage of parameters, gradients and data").withInitial("f32").withExample("--dtype f64");
inline constexpr OptionSpec exactDiv = option("--fp", oneOf("exact-div|reciprocal"), "divide by rank-0 values, or multiply by their reciprocals").withInitial("reciprocal").withExample("--fp exact-div");
inline constexpr OptionSpec guard = option("--guard", oneOf("off|joint|grads|full"), "what a step refuses if it is not finite, before it writes").withOtherwise("grads of train units, joint of rules").withExample("--guard off");
inline constexpr OptionSpec importFolder = option("-I", folder("DIR"), "also look for imports there").often().withExample("-I rules");
inline constexpr OptionSpec inPlace = option("--in-place", text("NAME"),
                                    "the gradient of a loss in this argument, or LOSS.ARGUMENT, is written over it: no output for it").often().withExample("logistic.grad --in-place w");
inline constexpr OptionSpec json = option("--json", {}, "as JSON, for programs: docs/schema.json says what is in it").withExample("--json");
inline constexpr OptionSpec noFuse = option("--no-fuse", {}, "one kernel for each operation, for comparison").withExample("--no-fuse");
inline constexpr OptionSpec size = option("--size", text("NAME=N"), "a size of the spec, in the place of its default").often().withExample("sized.grad --size m=5");
inline constexpr OptionSpec zeroGrads = option("--zero-grads", {}, "the step of a rule writes zeros over its gradients").withExample("--zero-grads");

inline constexpr llvm::StringRef cpuWords = "x86-64-v3|x86-64-v4|native";

//===----------------------------------------------------------------------===//
// Those of each command, sorted
//===----------------------------------------------------------------------===//

inline constexpr OptionSpec bench[] = {
    importFolder,
    option("--dim", text("NAME=N"), "the size of a dimension, or of a parameter of any shape").withOtherwise("2^22 for arrays of rank 1, 2^10 for rank 2, ..").often().withExample("--dim w=1000000"),
    dtype,
    option("--entry", text("TEXT"), "only entries whose name holds the text").withExample("--entry step"),
    exactDiv,
    guard,
    json,
    noFuse,
    option("--rounds", text("N"), "of which the medians are taken; fewer where an entry takes more than 10 s").withInitial("21").withExample("--rounds 5"),
    size,
    option("--target", oneOf(cpuWords), "instruction set of the code").withInitial("native").withExample("--target x86-64-v3"),
    option("--threads", text("N"), "that entries run on").withOtherwise("as many as this machine runs at once").withExample("--threads 1"),
};
inline constexpr OptionSpec build[] = {
    importFolder,
    option("-o", folder("DIR"), "where the artifacts go").withInitial(".").withExample("-o out"),
    dtype,
    exactDiv,
    guard,
    option("--host-only", text("ENTRY"), "no code for devices of that entry").often().withExample("logistic.grad --target vulkan --host-only logistic.grad"),
    inPlace,
    noFuse,
    option("--prefix", text("PREFIX"), "starts every exported symbol").withExample("--prefix mine_"),
    option("--ptxas", file("FILE|none"), "makes cubins of PTX").withOtherwise("that of PATH, CUDA_ROOT, CUDA_HOME or /usr/local/cuda, where one is there").withExample("--target nvptx:sm_80 --ptxas none"),
    size,
    option("--target",
     someOf("TARGET[,TARGET]", "x86-64-v3|x86-64-v4|native|vulkan|nvptx:sm_80|nvptx:sm_86|nvptx:sm_87|nvptx:sm_89|nvptx:sm_90|nvptx:sm_100|nvptx:sm_101|nvptx:"
                               "sm_103|nvptx:sm_120|nvptx:sm_121"),
     "x86-64-v3, x86-64-v4 or both, of which a call runs the better one that the machine has; or native. And devices: vulkan, nvptx:sm_80,sm_90").withInitial("x86-64-v3,x86-64-v4").withExample("--target x86-64-v3,vulkan"),
    zeroGrads,
};
inline constexpr OptionSpec check[] = {
    importFolder,
    option("--at", text("NAME=[NUMBERS]"), "also try losses where that argument is this, or NAME=FILE.csv; once for each argument").often().withExample("--at 'w=[0, 0, 1]'"),
    json,
    option("--no-gradients", {}, "types and shapes only").withExample("--no-gradients"),
    option("--pedantic", {}, "also warn of what is legal and likely wrong: the lints below").withExample("--pedantic --no-gradients"),
    option("--seed", text("N"), "of the random points").withInitial("0").withExample("--seed 1"),
    size,
    option("--werror", {}, "warnings fail the check: exit code 1").withExample("--pedantic --no-gradients --werror"),
};
inline constexpr OptionSpec doc[] = {
    importFolder.withExample("adamw.grad -I rules"),
    option("-o", folder("DIR"), "where the pages go: a new folder, an empty one, or one of an earlier run, whose pages are replaced").withInitial("gradus-doc").withExample("adamw.grad -o reference"),
    option("--std", {}, "the standard library, in the place of specs").withExample("--std -o library"),
    option("--title", text("TEXT"), "of the index").withExample("adamw.grad --title Rules"),
};
inline constexpr OptionSpec emit[] = {
    importFolder,
    dtype,
    exactDiv,
    guard,
    inPlace,
    noFuse,
    size,
    option("--stage", oneOf("PHASE", "emit|differentiate|simplify|fuse|lower|llvm|llvm-ir|asm"),
     "print after: emit, differentiate, simplify, fuse, lower, llvm, llvm-ir, asm").withInitial("emit").withExample("--stage fuse"),
    option("--target", oneOf(cpuWords), "instruction set of the code").withInitial("x86-64-v3").withExample("--stage asm --target x86-64-v4"),
    zeroGrads,
};
inline constexpr OptionSpec explain[] = {
    importFolder,
    dtype,
    exactDiv,
    guard,
    inPlace,
    json,
    noFuse,
    size,
    option("--svg", file("FILE.svg", "svg"), "the plans as a picture too").withExample("--svg plan.svg"),
    zeroGrads,
};
inline constexpr OptionSpec fmt[] = {
    option("--check", {}, "change nothing; exit with 1 where a file is not formatted").withExample("--check"),
};
inline constexpr OptionSpec grad[] = {
    importFolder,
    option("--emit", oneOf("spec|latex|c|mlir"), "Gradus source, an align* environment, a C99 function in f64, or the dialect").withInitial("spec").withExample("--emit latex"),
    option("--of", text("LOSS"), "the loss").withOtherwise("all").withExample("--of logistic"),
    option("--wrt", text("NAMES"), "the arguments, with commas between").withOtherwise("all floating ones that are no data").withExample("--wrt w"),
};
inline constexpr OptionSpec lsp[] = {
    importFolder,
};
inline constexpr OptionSpec plot[] = {
    importFolder,
    option("-o", file("FILE.svg", "svg"), "where the picture goes, - for standard output").withOtherwise("NAME.svg of the first unit").withExample("-o adam.svg"),
    option("--from", text("X"), "where a function begins").withInitial("-4").withExample("slip.grad --from -2 --to 2"),
    option("--no-derivative", {}, "a function without its derivative").withExample("slip.grad --no-derivative"),
    option("--of", text("CALLS"), "the units with their arguments, 'adam(lr = 0.1), sgd'").withOtherwise("the unit that is named as its file, or the only one").withExample("--of 'adam(lr = 0.1)'"),
    option("--on", oneOf("beale|himmelblau|quadratic|rosenbrock"), "the test function of a rule").withInitial("rosenbrock").withExample("--on beale"),
    option("--seed", text("N"), "of the draws of a rule").withInitial("0").withExample("--seed 1"),
    option("--start", text("X,Y"), "where the path of a rule begins").withOtherwise("a point of the test function").withExample("--start 0,0"),
    option("--steps", text("N"), "of a schedule or of a rule").withOtherwise("1000 of a schedule, 500 of a rule").withExample("--steps 100"),
    option("--to", text("X"), "where a function ends").withInitial("4").withExample("slip.grad --to 2"),
};
inline constexpr OptionSpec run[] = {
    importFolder,
    option("--batch", text("N"), "rows a step").withOtherwise("all").withExample("--batch 64"),
    option("--checkpoint", file("FILE"), "taken up where it exists, written every 100 steps and at the end").withExample("--checkpoint digits.ckpt"),
    option("--data", file("FILE.csv", "csv"), "one sample a line, the target last; a first line without any number is skipped").withExample("--data digits.csv"),
    option("--device", oneOf("cpu|cuda|vulkan"), "where the steps are made").withInitial("cpu").withExample("--device cpu"),
    option("--dim", text("NAME=N"), "the size of a dimension that the data do not tell").often().withExample("digits.grad --unit mlp --data digits.csv --steps 5 --dim h=12"),
    dtype,
    option("--engine", oneOf("reference|cpu"), "the f64 evaluator, or compiled code").withInitial("cpu").withExample("--engine reference --steps 2"),
    guard,
    option("--hyper", text("NAME=VALUE"), "a hyper-parameter").often().withExample("--hyper base.lr.peak=0.01"),
    option("--plot", file("FILE.svg", "svg"), "the loss of each step as a picture, with its mean over the last steps").withExample("--plot loss.svg"),
    option("--seed", text("N"), "of the first parameters, the order of the rows and the draws").withInitial("0").withExample("--seed 1"),
    size.withExample("sized.grad --data line.csv --steps 20 --size m=5"),
    option("--steps", text("N"), "how many").withInitial("1000").withExample("--steps 10"),
    option("--unit", text("NAME"), "the train unit").withOtherwise("the only one").withExample("--unit softmax"),
};
inline constexpr OptionSpec test[] = {
    importFolder,
    option("--engine", oneOf("reference|cpu|both"), "the evaluator, compiled code, or each").withInitial("both").withExample("--engine cpu"),
    option("--filter", text("TEXT"), "only tests whose title holds the text; an error if none does").withExample("--filter weights"),
    json,
    option("--seed", text("N"), "of the inputs of properties").withInitial("0").withExample("--seed 1"),
};

/// Behind every command.
inline constexpr OptionSpec help = option("--help", {}, "what the command does and takes").withAlias("-h").withExample("--help");

/// All rows; only these can be asked for.
inline constexpr std::span<const OptionSpec> all[] = {
    bench,
    build,
    check,
    doc,
    emit,
    explain,
    fmt,
    grad,
    lsp,
    plot,
    run,
    test,
};

constexpr bool hasRow(std::string_view name) {
  for (std::span<const OptionSpec> rows : all)
    for (const OptionSpec &row : rows)
      if (std::string_view(row.name.data(), row.name.size()) == name)
        return true;
  return false;
}

} // namespace gradus::driver::options
