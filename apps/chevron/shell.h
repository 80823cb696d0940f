// The shell as a whole: what its commands share, and the loop from prompt to prompt.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "abi/device.h"
#include "abi/silo_manager.h"
#include "apps/chevron/completer.h"
#include "apps/chevron/io/console.h"
#include "apps/chevron/io/stream_hub.h"
#include "apps/chevron/lock.h"
#include "apps/chevron/names/name_space.h"
#include "apps/chevron/run/jobs.h"
#include "apps/chevron/run/linux_programs.h"
#include "apps/chevron/run/script.h"
#include "chevron/environment.h"
#include "lib/boot_options/boot_options.h"
#include "lib/line_editor/history.h"
#include "lib/line_editor/line_editor.h"
#include "lib/shell/variables.h"

namespace astrata::chevron {

class Shell {
public:
    /// errors    no_memory, and what asking for the machine's command line fails with
    [[nodiscard]] static Result<std::unique_ptr<Shell>> create(Environment& environment);

    /// Reads and runs lines until the input ends or a command ends the shell.
    void run();

    // ---- What commands use ----

    [[nodiscard]] Environment& environment() { return environment_; }
    [[nodiscard]] Console& console() { return console_; }
    [[nodiscard]] NameSpace& names() { return names_; }
    [[nodiscard]] LinuxPrograms& programs() { return programs_; }
    [[nodiscard]] Jobs& jobs() { return jobs_; }
    [[nodiscard]] StreamHub& hub() { return *hub_; }
    [[nodiscard]] abi::SiloManagerClient manager() const {
        return abi::SiloManagerClient(environment_.silo_manager.get());
    }
    [[nodiscard]] abi::Handle root_silo() const { return environment_.root_silo.get(); }
    [[nodiscard]] line_editor::History const& history() const { return history_; }
    [[nodiscard]] std::string_view root_scheme() const { return root_scheme_; }
    /// The editor for input of commands, which has a history of its own.
    [[nodiscard]] line_editor::LineEditor& input_editor() { return input_editor_; }
    [[nodiscard]] Ref<Channel> console_channel() const {
        return Ref<Channel>(Ref<ConsoleChannel>::share(*console_channel_));
    }
    /// /dev/null
    [[nodiscard]] Result<Ref<Channel>> null_channel() const;

    [[nodiscard]] Path directory() EXCLUDES(mutex_);
    void set_directory(Path const& path) EXCLUDES(mutex_);

    /// Calls `use(shell::Variables&)` alone with the variables.
    template <typename Use>
    auto with_variables(Use use) EXCLUDES(mutex_) {
        Lock lock(mutex_);
        return use(*variables_);
    }

    /// Whether the user pressed Ctrl-C since the current line began, if so `cancellation` is requested. Cheap: looks at
    /// the console only now and then.
    bool check_interrupt(Cancellation& cancellation);

    /// Runs one complete text; returns the status.
    int run_text(std::string_view text);
    /// Ends the loop after the current line.
    void request_exit() { is_exiting_ = true; }

    // Use create().
    Shell(Environment& environment, String root_scheme, String root_scheme_of_programs, StreamHub& hub,
          std::unique_ptr<shell::Variables> variables, Console::Size default_size);

private:
    /// A whole command, which may take several lines; false at the end of input.
    bool read_command(String& text);
    int report_syntax_error(shell::SyntaxError const& error, std::string_view text);
    void mount_root();
    void set_defaults();

    Environment& environment_;
    String root_scheme_;
    Console console_;
    line_editor::History history_;
    line_editor::History input_history_;
    Completer completer_;
    line_editor::LineEditor editor_;
    line_editor::LineEditor input_editor_;
    RefOrNull<ConsoleChannel> console_channel_;  // there from create() on
    StreamHub* hub_;
    NameSpace names_;
    LinuxPrograms programs_;
    Jobs jobs_;
    Mutex mutex_;
    Path directory_ GUARDED_BY(mutex_);
    std::unique_ptr<shell::Variables> variables_ PT_GUARDED_BY(mutex_);
    int status_ = 0;
    bool is_exiting_ = false;
    MonotonicNs next_look_;  // at the console, for Ctrl-C
};

}  // namespace astrata::chevron
