//===- Manual.cpp - gradus --man: the manual page -----------------------------------===//
//
// In the macros of man(7), which groff and mandoc read.
//
//===------------------------------------------------------------------------------===//

#include "codegen/driver/Commands.h"
#include "codegen/driver/Completion.h"
#include "codegen/emit/Version.h"

using namespace llvm;

namespace gradus::driver {

/// As text: no request, no escape, and hyphens that can be searched for and copied.
static std::string escape(StringRef text) {
  std::string escaped;
  if (text.starts_with(".") || text.starts_with("'"))
    escaped = "\\&";
  for (char c : text)
    switch (c) {
    case '\\':
      escaped += "\\e";
      break;
    case '-':
      escaped += "\\-";
      break;
    case '\'':
      escaped += "\\(aq";
      break;
    case '`':
      escaped += "\\(ga";
      break;
    case '^':
      escaped += "\\(ha";
      break;
    case '~':
      escaped += "\\(ti";
      break;
    default:
      escaped += c;
    }
  return escaped;
}

/// Lines that stay as they are.
static void printLines(raw_ostream &os, StringRef text) {
  os << ".PP\n.nf\n";
  SmallVector<StringRef> lines;
  text.rtrim('\n').split(lines, '\n');
  for (StringRef line : lines)
    os << escape(line) << '\n';
  os << ".fi\n";
}

static void printOption(raw_ostream &os, const OptionSpec &option) {
  os << ".TP\n\\fB" << escape(option.name) << "\\fR" << (option.alias.empty() ? "" : ", \\fB" + escape(option.alias) + "\\fR")
     << (option.argument ? " \\fI" + escape(option.argument.text) + "\\fR" : "") << '\n'
     << escape(describeHelp(option)) << '\n';
}

static void printCommand(raw_ostream &os, const CommandSpec &command) {
  os << ".SS gradus " << escape(command.name) << "\n\\fBgradus " << escape(command.name) << "\\fR" << (command.options.empty() ? "" : " [OPTIONS]")
     << (command.inputs ? " \\fI" + escape(command.inputs.text) + "\\fR" : "") << "\n.PP\n"
     << escape(command.summary) << '\n';
  for (const OptionSpec &option : getOptionsWithHelp(command))
    printOption(os, option);
  if (!command.details.empty())
    printLines(os, command.details);
  os << ".PP\nExample:\n";
  printLines(os, ("    gradus " + command.example).str());
}

void printManual(raw_ostream &os) {
  os << ".TH GRADUS 1 \"\" \"gradus " << gradusVersion << "\" \"Gradus\"\n"
     << ".SH NAME\ngradus \\- compiles losses and update rules to kernels with a C ABI\n"
     << ".SH SYNOPSIS\n\\fBgradus\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR] \\fISPEC.grad\\fR\n";
  for (const ToolOption &tool : getToolOptions())
    os << ".br\n\\fBgradus\\fR \\fB" << escape(tool.option.name) << "\\fR\n";
  os << ".SH DESCRIPTION\n"
        "Gradus is a small language for losses and update rules. The command parses a spec, differentiates it, fuses it and emits kernels for CPUs, Vulkan and CUDA,\n"
        "with headers for C and C++ and a manifest.\n"
        ".SH OPTIONS\n";
  for (const ToolOption &tool : getToolOptions()) {
    OptionSpec printed = tool.option;
    std::string help = "prints " + printed.help.str();
    printed.help = help;
    printOption(os, printed);
  }
  os << ".SH COMMANDS\nA value stands behind its option as the next word or after \\(aq=\\(aq.\n";
  for (const CommandSpec &command : getCommands())
    printCommand(os, command);
  os << ".SH EXIT STATUS\n.TP\n0\nsuccess\n.TP\n1\nthe spec has errors, a check or a test failed, a file cannot be read or written\n"
        ".TP\n2\na wrong command line\n.TP\n130\na run that Ctrl\\-C ended, after its step and its checkpoint\n"
        ".SH ENVIRONMENT\n.TP\n\\fBGRADUS_LIBRARY\\fR\nthe folder that holds \\fIstd\\fR, the standard library\n"
        ".TP\n\\fBCUDA_ROOT\\fR, \\fBCUDA_HOME\\fR\nwhere ptxas is looked for besides \\fBPATH\\fR\n";
}

} // namespace gradus::driver
