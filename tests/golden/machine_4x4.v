// Machine "tilewright-4x4", written by Tilewright; the top module, tilewright, is the last one.
//
// Clock: one, `clock`, rising edge.
// Reset: `reset` is synchronous and active high. It clears what decides about sequences; pipelines and memories have
//   none and empty themselves. One cycle is enough after power-up, where all registers start at zero; when something
//   runs, reset the memory too and hold it for at least 54 cycles, or so long after the memory's last answer.
// Names: instruction_* are fields of an instruction; NAME_1, NAME_2, ... behind a register are later stages of it,
//   NAME_next_1, ... parts of the value that it takes next.

// Small memory of 16 words of 32 bits, read without a clock.
module small_ram_16x32(clock, write_enable, write_address, write_data, read_address, read_data);
    input wire clock;
    input wire write_enable;
    input wire [3:0] write_address;
    input wire [31:0] write_data;
    input wire [3:0] read_address;
    output wire [31:0] read_data;
    reg [31:0] memory [0:15];
    integer i;
    initial for (i = 0; i < 16; i = i + 1) memory[i] = 0;
    always @(posedge clock) begin
        if (write_enable) memory[write_address] <= write_data;
    end
    assign read_data = memory[read_address];
endmodule

// Register port: start, status, cycle counter, places of the programs, and the end of a run.
module registers(
    clock, write, address, write_data, finished, errors, idle, reset, start, done, read_data,
    list_addresses, counts, base, stop, clear
);
    input wire clock;
    input wire write;
    input wire [3:0] address;
    input wire [31:0] write_data;
    input wire [3:0] finished;
    input wire [5:0] errors;
    input wire idle;
    input wire reset;
    output wire start;
    output wire done;
    output wire [31:0] read_data;
    output wire [127:0] list_addresses;
    output wire [95:0] counts;
    output wire [19:0] base;
    output wire stop;
    output wire clear;
    // What the host writes.
    reg [31:0] list_0 = 32'd0;
    reg [31:0] list_1 = 32'd0;
    reg [31:0] list_2 = 32'd0;
    reg [31:0] list_3 = 32'd0;
    reg [23:0] count_0 = 24'd0;
    reg [23:0] count_1 = 24'd0;
    reg [23:0] count_2 = 24'd0;
    reg [23:0] count_3 = 24'd0;
    reg [31:0] limit = 32'd0;
    reg limited = 1'd0;
    reg [19:0] base_r = 20'd0;
    reg misaligned = 1'd0;
    // Start, and the cycle counter.
    reg running = 1'd0;
    wire starts = ((write & (address == 4'd0)) & write_data[0]) & (~running);
    reg [63:0] cycles = 64'd0;
    // Errors: each ends the run.
    reg stopped = 1'd0;
    wire expires = ((running & (~stopped)) & limited) & (cycles[31:0] == limit);
    reg [7:0] error = 8'd0;
    // The end: of all units, or of what was begun and of the reset of what began it.
    wire drained = stopped & idle;
    reg clears = 1'd0;
    reg [5:0] cycles_cleared = 6'd0;
    reg was_done = 1'd0;
    wire finish_1 = stopped ? (drained & (cycles_cleared == 6'd54)) : (&finished);
    wire finish = running & finish_1;
    wire [31:0] written_read_data;
    wire [127:0] status = {cycles[63:32], cycles[31:0], {24'd0, error}, {30'd0, {running, was_done}}};
    reg [31:0] read_data_r = 32'd0;
    wire [7:0] error_next_1 = {expires, 1'd0, errors};
    wire stopped_next_1 = starts ? misaligned : ((stopped | (running & (|error_next_1))) & (~finish));
    wire [31:0] read_data_r_next_1 = address[1] ? (address[0] ? status[127:96] : status[95:64]) : (address[0] ?
        status[63:32] : status[31:0]);
    wire [31:0] read_data_r_next_2 = (~(|address[3:2])) ? read_data_r_next_1 : ((address == 4'd12) ? 32'h808865f8 :
        written_read_data);
    assign start = starts;
    assign done = was_done;
    assign read_data = read_data_r;
    assign list_addresses = {list_3, list_2, list_1, list_0};
    assign counts = {count_3, count_2, count_1, count_0};
    assign base = base_r;
    assign stop = stopped;
    assign clear = clears;
    // What is read: status, or what was written, from a memory beside the registers.
    small_ram_16x32 written (
        .clock(clock),
        .write_enable(write),
        .write_address(address),
        .write_data(write_data),
        .read_address(address),
        .read_data(written_read_data)
    );
    always @(posedge clock) begin
        if ((write & (address == 4'd4))) list_0 <= write_data;
        if ((write & (address == 4'd5))) list_1 <= write_data;
        if ((write & (address == 4'd6))) list_2 <= write_data;
        if ((write & (address == 4'd7))) list_3 <= write_data;
        if ((write & (address == 4'd8))) count_0 <= write_data[23:0];
        if ((write & (address == 4'd9))) count_1 <= write_data[23:0];
        if ((write & (address == 4'd10))) count_2 <= write_data[23:0];
        if ((write & (address == 4'd11))) count_3 <= write_data[23:0];
        if ((write & (address == 4'd13))) limit <= write_data;
        if ((write & (address == 4'd13))) limited <= (|write_data);
        if ((write & (address == 4'd14))) base_r <= write_data[31:12];
        if ((write & (address == 4'd14))) misaligned <= (|write_data[11:0]);
        read_data_r <= read_data_r_next_2;
        if (reset) begin
            running <= 1'd0;
            cycles <= 64'd0;
            stopped <= 1'd0;
            error <= 8'd0;
            clears <= 1'd0;
            cycles_cleared <= 6'd0;
            was_done <= 1'd0;
        end else begin
            running <= (starts | (running & (~finish)));
            if ((starts | running)) cycles <= (starts ? 64'd1 : (cycles + 64'd1));
            stopped <= stopped_next_1;
            error <= (starts ? {1'd0, misaligned, 6'd0} : (error | error_next_1));
            clears <= (drained & (~finish));
            cycles_cleared <= (drained ? (cycles_cleared + 6'd1) : 6'd0);
            was_done <= (finish | (was_done & (~starts)));
        end
    end
endmodule

// Small memory of 8 words of 5 bits, read without a clock.
module small_ram_8x5(clock, write_enable, write_address, write_data, read_address, read_data);
    input wire clock;
    input wire write_enable;
    input wire [2:0] write_address;
    input wire [4:0] write_data;
    input wire [2:0] read_address;
    output wire [4:0] read_data;
    reg [4:0] memory [0:7];
    integer i;
    initial for (i = 0; i < 8; i = i + 1) memory[i] = 0;
    always @(posedge clock) begin
        if (write_enable) memory[write_address] <= write_data;
    end
    assign read_data = memory[read_address];
endmodule

// Arbiter of the masters of external memory, and AXI4 master: incrementing bursts, one ID, in
// order.
module memory_port(
    clock, request, address, beats, arready, awready, rvalid, rdata, rresp, rlast, bvalid, bresp,
    stop, reset, grant, idle, beat_valid, beat_data, beat_last, read_error, write_error, arvalid,
    araddr, arlen, arsize, arburst, awvalid, awaddr, awlen, awsize, awburst, rready, bready
);
    input wire clock;
    input wire [5:0] request;
    input wire [191:0] address;
    input wire [29:0] beats;
    input wire arready;
    input wire awready;
    input wire rvalid;
    input wire [31:0] rdata;
    input wire [1:0] rresp;
    input wire rlast;
    input wire bvalid;
    input wire [1:0] bresp;
    input wire stop;
    input wire reset;
    output wire [5:0] grant;
    output wire idle;
    output wire [5:0] beat_valid;
    output wire [31:0] beat_data;
    output wire beat_last;
    output wire read_error;
    output wire write_error;
    output wire arvalid;
    output wire [31:0] araddr;
    output wire [7:0] arlen;
    output wire [2:0] arsize;
    output wire [1:0] arburst;
    output wire awvalid;
    output wire [31:0] awaddr;
    output wire [7:0] awlen;
    output wire [2:0] awsize;
    output wire [1:0] awburst;
    output wire rready;
    output wire bready;
    reg read_command = 1'd0;
    reg write_command = 1'd0;
    reg [3:0] returns_count = 4'd0;
    wire returns_full = returns_count == 4'd8;
    wire returns_are_full = returns_full;
    wire command_free_1 = ~(|{(read_command & (~arready)), (write_command & (~awready))});
    wire command_free = (command_free_1 & (~returns_are_full)) & (~stop);
    // Fixed priority: a request wins when none of the ones before it is shown.
    wire [5:0] winner = {(request[5] & (~(|request[4:0]))), (request[4] & (~(|request[3:0]))), (request[3] &
        (~(|request[2:0]))), (request[2] & (~(|request[1:0]))), (request[1] & (~request[0])), request[0]};
    wire [5:0] granted = winner & {6{command_free}};
    wire any_granted = (|request) & command_free;
    reg [31:0] command_address = 32'd0;
    wire [4:0] beats_less_1_1 = ({5{winner[0]}} & (beats[4:0] - 5'd1)) | ({5{winner[1]}} & (beats[9:5] - 5'd1));
    wire [4:0] beats_less_1_2 = ({5{winner[2]}} & (beats[14:10] - 5'd1)) | ({5{winner[3]}} & (beats[19:15] - 5'd1));
    wire [4:0] beats_less_1_3 = ({5{winner[4]}} & (beats[24:20] - 5'd1)) | ({5{winner[5]}} & (beats[29:25] - 5'd1));
    wire [4:0] beats_less_1 = (beats_less_1_1 | beats_less_1_2) | beats_less_1_3;
    reg [7:0] command_length = 8'd0;
    reg [4:0] responses_left = 5'd0;
    // Who the beats of each read under way are for.
    reg [2:0] returns_write = 3'd0;
    reg [2:0] returns_read = 3'd0;
    wire returns_count_next_1 = rvalid & rlast;
    wire [2:0] returns_read_next = returns_count_next_1 ? (returns_read + 3'd1) : returns_read;
    wire [4:0] returns_entries_read_data;
    reg [4:0] returns_head = 5'd0;
    reg [4:0] beat_valid_r = 5'd0;
    reg [31:0] beat_data_r = 32'd0;
    reg beat_last_r = 1'd0;
    reg read_error_r = 1'd0;
    reg write_error_r = 1'd0;
    wire [31:0] command_address_next_1 = ({32{winner[0]}} & address[31:0]) | ({32{winner[1]}} & address[63:32]);
    wire [31:0] command_address_next_2 = ({32{winner[2]}} & address[95:64]) | ({32{winner[3]}} & address[127:96]);
    wire [31:0] command_address_next_3 = ({32{winner[4]}} & address[159:128]) | ({32{winner[5]}} & address[191:160]);
    wire [31:0] command_address_next_4 = (command_address_next_1 | command_address_next_2) | command_address_next_3;
    wire returns_write_enable_1 = any_granted & (~granted[4]);
    wire [1:0] returns_count_next_2 = {returns_write_enable_1, returns_count_next_1};
    wire [3:0] returns_count_next_3 = (returns_count_next_2 == 2'd1) ? (returns_count - 4'd1) : returns_count;
    wire [3:0] returns_count_next_4 = (returns_count_next_2 == 2'd2) ? (returns_count + 4'd1) : returns_count_next_3;
    wire [3:0] idle_1 = {read_command, write_command, (|returns_count), (|responses_left)};
    assign grant = granted;
    assign idle = (~(|idle_1));
    assign beat_valid = {beat_valid_r[4], 1'd0, beat_valid_r[3:0]};
    assign beat_data = beat_data_r;
    assign beat_last = beat_last_r;
    assign read_error = read_error_r;
    assign write_error = write_error_r;
    assign arvalid = read_command;
    assign araddr = command_address;
    assign arlen = command_length;
    assign arsize = 3'd2;
    assign arburst = 2'd1;
    assign awvalid = write_command;
    assign awaddr = command_address;
    assign awlen = command_length;
    assign awsize = 3'd2;
    assign awburst = 2'd1;
    assign rready = 1'd1;
    assign bready = 1'd1;
    small_ram_8x5 returns_entries (
        .clock(clock),
        .write_enable(returns_write_enable_1),
        .write_address(returns_write),
        .write_data({winner[5], winner[3], winner[2], winner[1], winner[0]}),
        .read_address(returns_read_next),
        .read_data(returns_entries_read_data)
    );
    always @(posedge clock) begin
        if (command_free) command_address <= command_address_next_4;
        if (command_free) command_length <= {3'd0, beats_less_1};
        returns_head <= returns_entries_read_data;
        beat_valid_r <= (returns_head & {5{rvalid}});
        beat_data_r <= rdata;
        beat_last_r <= rlast;
        read_error_r <= (rvalid & rresp[1]);
        write_error_r <= (bvalid & bresp[1]);
        if (reset) begin
            read_command <= 1'd0;
            write_command <= 1'd0;
            responses_left <= 5'd0;
            returns_write <= 3'd0;
            returns_read <= 3'd0;
            returns_count <= 4'd0;
        end else begin
            read_command <= ((any_granted & (~granted[4])) | (read_command & (~arready)));
            write_command <= (granted[4] | (write_command & (~awready)));
            responses_left <= (responses_left + ({4'd0, granted[4]} - {4'd0, bvalid}));
            if (returns_write_enable_1) returns_write <= (returns_write + 3'd1);
            returns_read <= returns_read_next;
            returns_count <= returns_count_next_4;
        end
    end
endmodule

// Small memory of 4 words of 32 bits, read without a clock.
module small_ram_4x32(clock, write_enable, write_address, write_data, read_address, read_data);
    input wire clock;
    input wire write_enable;
    input wire [1:0] write_address;
    input wire [31:0] write_data;
    input wire [1:0] read_address;
    output wire [31:0] read_data;
    reg [31:0] memory [0:3];
    integer i;
    initial for (i = 0; i < 4; i = i + 1) memory[i] = 0;
    always @(posedge clock) begin
        if (write_enable) memory[write_address] <= write_data;
    end
    assign read_data = memory[read_address];
endmodule

// Fetches and issues the instructions (128 bytes each) of one unit.
module sequencer_128(
    clock, start, list_address, base, count, grant, beat_valid, beat_data, nonzero, done, reset,
    request, address, beats, foreign, issue, instruction, wait_mask, signal_mask, finished
);
    input wire clock;
    input wire start;
    input wire [31:0] list_address;
    input wire [19:0] base;
    input wire [23:0] count;
    input wire grant;
    input wire beat_valid;
    input wire [31:0] beat_data;
    input wire [15:0] nonzero;
    input wire done;
    input wire reset;
    output wire request;
    output wire [31:0] address;
    output wire [4:0] beats;
    output wire foreign;
    output wire issue;
    output wire [1023:0] instruction;
    output wire [15:0] wait_mask;
    output wire [15:0] signal_mask;
    output wire finished;
    // Fetch: the bursts of the key, then of an instruction; two cycles from a grant to the next request.
    reg fetch_key = 1'd0;
    reg issued = 1'd0;
    reg [23:0] to_fetch = 24'd0;
    wire more = |to_fetch;
    reg requested = 1'd0;
    reg [25:0] fetch_burst = 26'd0;
    reg burst = 1'd0;
    wire last_burst = fetch_key ? (burst == 1'd0) : burst;
    wire last_granted = grant & last_burst;
    reg again = 1'd0;
    wire shows = ((start & (|count)) | (issued & more)) | again;
    wire key_ends = fetch_key & last_burst;
    wire fetched_one = last_granted & (~fetch_key);
    // Beats come in the order of their bursts: those of the key first, which are compared.
    reg expects_key = 1'd0;
    wire is_key = beat_valid & expects_key;
    reg [4:0] received = 5'd0;
    wire key_received = is_key;
    reg foreign_r = 1'd0;
    // The prefetch memory: rows of one or more beats, a memory for each beat of a row.
    reg prefetch_full = 1'd0;
    reg waiting = 1'd0;
    reg busy = 1'd0;
    wire take = (prefetch_full & (~waiting)) & ((~busy) | done);
    // The instruction register, a row a cycle.
    reg unpacking = 1'd0;
    reg [1:0] unpack_step = 2'd0;
    wire unpack = take | unpacking;
    wire unpacked = unpack & (&unpack_step);
    wire [31:0] prefetch_0_read_data;
    wire [31:0] prefetch_1_read_data;
    wire [31:0] prefetch_2_read_data;
    wire [31:0] prefetch_3_read_data;
    wire [31:0] prefetch_4_read_data;
    wire [31:0] prefetch_5_read_data;
    wire [31:0] prefetch_6_read_data;
    wire [31:0] prefetch_7_read_data;
    wire [255:0] prefetched_row = {prefetch_7_read_data, prefetch_6_read_data, prefetch_5_read_data,
        prefetch_4_read_data, prefetch_3_read_data, prefetch_2_read_data, prefetch_1_read_data, prefetch_0_read_data};
    reg [255:0] instruction_0 = 256'h0;
    reg [255:0] instruction_1 = 256'h0;
    reg [255:0] instruction_2 = 256'h0;
    reg [255:0] instruction_3 = 256'h0;
    wire [1023:0] instruction_r = {instruction_3, instruction_2, instruction_1, instruction_0};
    // Issue.
    wire [15:0] waits_for = instruction_r[15:0];
    wire complete = unpacked | waiting;
    wire go = complete & (~(|(waits_for & (~nonzero))));
    reg [1:0] fetched_not_done = 2'd0;
    wire all_done = (~more) & ((~(|fetched_not_done)) | ((fetched_not_done == 2'd1) & done));
    wire [25:0] fetch_burst_next_1 = start ? {(list_address[31:12] + base), list_address[11:6]} : (fetch_burst +
        (key_ends ? 26'd2 : 26'd1));
    assign request = requested;
    assign address = {fetch_burst, 6'd0};
    assign beats = (fetch_key ? 5'd1 : 5'd16);
    assign foreign = foreign_r;
    assign issue = issued;
    assign instruction = instruction_r;
    assign wait_mask = waits_for;
    assign signal_mask = instruction_r[31:16];
    assign finished = all_done;
    small_ram_4x32 prefetch_0 (
        .clock(clock),
        .write_enable((beat_valid & (received[2:0] == 3'd0))),
        .write_address(received[4:3]),
        .write_data(beat_data),
        .read_address(unpack_step),
        .read_data(prefetch_0_read_data)
    );
    small_ram_4x32 prefetch_1 (
        .clock(clock),
        .write_enable((beat_valid & (received[2:0] == 3'd1))),
        .write_address(received[4:3]),
        .write_data(beat_data),
        .read_address(unpack_step),
        .read_data(prefetch_1_read_data)
    );
    small_ram_4x32 prefetch_2 (
        .clock(clock),
        .write_enable((beat_valid & (received[2:0] == 3'd2))),
        .write_address(received[4:3]),
        .write_data(beat_data),
        .read_address(unpack_step),
        .read_data(prefetch_2_read_data)
    );
    small_ram_4x32 prefetch_3 (
        .clock(clock),
        .write_enable((beat_valid & (received[2:0] == 3'd3))),
        .write_address(received[4:3]),
        .write_data(beat_data),
        .read_address(unpack_step),
        .read_data(prefetch_3_read_data)
    );
    small_ram_4x32 prefetch_4 (
        .clock(clock),
        .write_enable((beat_valid & (received[2:0] == 3'd4))),
        .write_address(received[4:3]),
        .write_data(beat_data),
        .read_address(unpack_step),
        .read_data(prefetch_4_read_data)
    );
    small_ram_4x32 prefetch_5 (
        .clock(clock),
        .write_enable((beat_valid & (received[2:0] == 3'd5))),
        .write_address(received[4:3]),
        .write_data(beat_data),
        .read_address(unpack_step),
        .read_data(prefetch_5_read_data)
    );
    small_ram_4x32 prefetch_6 (
        .clock(clock),
        .write_enable((beat_valid & (received[2:0] == 3'd6))),
        .write_address(received[4:3]),
        .write_data(beat_data),
        .read_address(unpack_step),
        .read_data(prefetch_6_read_data)
    );
    small_ram_4x32 prefetch_7 (
        .clock(clock),
        .write_enable((beat_valid & (received[2:0] == 3'd7))),
        .write_address(received[4:3]),
        .write_data(beat_data),
        .read_address(unpack_step),
        .read_data(prefetch_7_read_data)
    );
    always @(posedge clock) begin
        if ((start | grant)) fetch_burst <= fetch_burst_next_1;
        foreign_r <= (is_key & (~(beat_data == 32'h808865f8)));
        if ((unpack & (unpack_step == 2'd0))) instruction_0 <= prefetched_row;
        if ((unpack & (unpack_step == 2'd1))) instruction_1 <= prefetched_row;
        if ((unpack & (unpack_step == 2'd2))) instruction_2 <= prefetched_row;
        if ((unpack & (unpack_step == 2'd3))) instruction_3 <= prefetched_row;
        if (reset) begin
            fetch_key <= 1'd0;
            issued <= 1'd0;
            to_fetch <= 24'd0;
            requested <= 1'd0;
            burst <= 1'd0;
            again <= 1'd0;
            expects_key <= 1'd0;
            received <= 5'd0;
            prefetch_full <= 1'd0;
            waiting <= 1'd0;
            busy <= 1'd0;
            unpacking <= 1'd0;
            unpack_step <= 2'd0;
            fetched_not_done <= 2'd0;
        end else begin
            fetch_key <= (start | (fetch_key & (~last_granted)));
            issued <= go;
            if ((start | fetched_one)) to_fetch <= (start ? count : (to_fetch - 24'd1));
            requested <= (shows | (requested & (~grant)));
            if (grant) burst <= (last_burst ? 1'd0 : (burst + 1'd1));
            again <= (grant & ((~last_burst) | fetch_key));
            expects_key <= (start | (expects_key & (~key_received)));
            if (beat_valid) received <= (key_received ? 5'd0 : (received + 5'd1));
            prefetch_full <= ((beat_valid & (&received)) | (prefetch_full & (~take)));
            waiting <= (complete & (~go));
            busy <= (issued | (busy & (~done)));
            unpacking <= (unpack & (~unpacked));
            if (unpack) unpack_step <= (unpack_step + 2'd1);
            fetched_not_done <= ((fetched_not_done + {1'd0, fetched_one}) - {1'd0, done});
        end
    end
endmodule

// Fetches and issues the instructions (32 bytes each) of one unit.
module sequencer_32(
    clock, start, list_address, base, count, grant, beat_valid, beat_data, nonzero, done, reset,
    request, address, beats, foreign, issue, instruction, wait_mask, signal_mask, finished
);
    input wire clock;
    input wire start;
    input wire [31:0] list_address;
    input wire [19:0] base;
    input wire [23:0] count;
    input wire grant;
    input wire beat_valid;
    input wire [31:0] beat_data;
    input wire [15:0] nonzero;
    input wire done;
    input wire reset;
    output wire request;
    output wire [31:0] address;
    output wire [4:0] beats;
    output wire foreign;
    output wire issue;
    output wire [255:0] instruction;
    output wire [15:0] wait_mask;
    output wire [15:0] signal_mask;
    output wire finished;
    // Fetch: the bursts of the key, then of an instruction; two cycles from a grant to the next request.
    reg fetch_key = 1'd0;
    reg issued = 1'd0;
    reg [23:0] to_fetch = 24'd0;
    wire more = |to_fetch;
    reg requested = 1'd0;
    reg [26:0] fetch_burst = 27'd0;
    wire last_granted = grant;
    reg again = 1'd0;
    wire shows = ((start & (|count)) | (issued & more)) | again;
    wire key_ends = fetch_key;
    wire fetched_one = last_granted & (~fetch_key);
    // Beats come in the order of their bursts: those of the key first, which are compared.
    reg expects_key = 1'd0;
    wire is_key = beat_valid & expects_key;
    reg [2:0] received = 3'd0;
    wire key_received = is_key;
    reg foreign_r = 1'd0;
    // The prefetch memory: rows of one or more beats, a memory for each beat of a row.
    reg prefetch_full = 1'd0;
    reg waiting = 1'd0;
    reg busy = 1'd0;
    wire take = (prefetch_full & (~waiting)) & ((~busy) | done);
    // The instruction register, a row a cycle.
    reg unpacking = 1'd0;
    reg [1:0] unpack_step = 2'd0;
    wire unpack = take | unpacking;
    wire unpacked = unpack & (&unpack_step);
    wire [31:0] prefetch_0_read_data;
    wire [31:0] prefetch_1_read_data;
    wire [63:0] prefetched_row = {prefetch_1_read_data, prefetch_0_read_data};
    reg [63:0] instruction_0 = 64'd0;
    reg [63:0] instruction_1 = 64'd0;
    reg [63:0] instruction_2 = 64'd0;
    reg [63:0] instruction_3 = 64'd0;
    wire [255:0] instruction_r = {instruction_3, instruction_2, instruction_1, instruction_0};
    // Issue.
    wire [15:0] waits_for = instruction_r[15:0];
    wire complete = unpacked | waiting;
    wire go = complete & (~(|(waits_for & (~nonzero))));
    reg [1:0] fetched_not_done = 2'd0;
    wire all_done = (~more) & ((~(|fetched_not_done)) | ((fetched_not_done == 2'd1) & done));
    wire [26:0] fetch_burst_next_1 = start ? {(list_address[31:12] + base), list_address[11:5]} : (fetch_burst +
        (key_ends ? 27'd1 : 27'd1));
    assign request = requested;
    assign address = {fetch_burst, 5'd0};
    assign beats = (fetch_key ? 5'd1 : 5'd8);
    assign foreign = foreign_r;
    assign issue = issued;
    assign instruction = instruction_r;
    assign wait_mask = waits_for;
    assign signal_mask = instruction_r[31:16];
    assign finished = all_done;
    small_ram_4x32 prefetch_0 (
        .clock(clock),
        .write_enable((beat_valid & (received[0] == 1'd0))),
        .write_address(received[2:1]),
        .write_data(beat_data),
        .read_address(unpack_step),
        .read_data(prefetch_0_read_data)
    );
    small_ram_4x32 prefetch_1 (
        .clock(clock),
        .write_enable((beat_valid & (received[0] == 1'd1))),
        .write_address(received[2:1]),
        .write_data(beat_data),
        .read_address(unpack_step),
        .read_data(prefetch_1_read_data)
    );
    always @(posedge clock) begin
        if ((start | grant)) fetch_burst <= fetch_burst_next_1;
        foreign_r <= (is_key & (~(beat_data == 32'h808865f8)));
        if ((unpack & (unpack_step == 2'd0))) instruction_0 <= prefetched_row;
        if ((unpack & (unpack_step == 2'd1))) instruction_1 <= prefetched_row;
        if ((unpack & (unpack_step == 2'd2))) instruction_2 <= prefetched_row;
        if ((unpack & (unpack_step == 2'd3))) instruction_3 <= prefetched_row;
        if (reset) begin
            fetch_key <= 1'd0;
            issued <= 1'd0;
            to_fetch <= 24'd0;
            requested <= 1'd0;
            again <= 1'd0;
            expects_key <= 1'd0;
            received <= 3'd0;
            prefetch_full <= 1'd0;
            waiting <= 1'd0;
            busy <= 1'd0;
            unpacking <= 1'd0;
            unpack_step <= 2'd0;
            fetched_not_done <= 2'd0;
        end else begin
            fetch_key <= (start | (fetch_key & (~last_granted)));
            issued <= go;
            if ((start | fetched_one)) to_fetch <= (start ? count : (to_fetch - 24'd1));
            requested <= (shows | (requested & (~grant)));
            again <= (grant & fetch_key);
            expects_key <= (start | (expects_key & (~key_received)));
            if (beat_valid) received <= (key_received ? 3'd0 : (received + 3'd1));
            prefetch_full <= ((beat_valid & (&received)) | (prefetch_full & (~take)));
            waiting <= (complete & (~go));
            busy <= (issued | (busy & (~done)));
            unpacking <= (unpack & (~unpacked));
            if (unpack) unpack_step <= (unpack_step + 2'd1);
            fetched_not_done <= ((fetched_not_done + {1'd0, fetched_one}) - {1'd0, done});
        end
    end
endmodule

// Counting semaphores: what a unit waits for and who is told when it is done.
module semaphores(clock, clear, issue, wait_masks, done, signal_masks, reset, nonzero, overflow);
    input wire clock;
    input wire clear;
    input wire [3:0] issue;
    input wire [63:0] wait_masks;
    input wire [3:0] done;
    input wire [63:0] signal_masks;
    input wire reset;
    output wire [15:0] nonzero;
    output wire overflow;
    wire [3:0] take_0_1 = {(issue[3] & wait_masks[48]), (issue[2] & wait_masks[32]), (issue[1] & wait_masks[16]),
        (issue[0] & wait_masks[0])};
    wire take_0 = |take_0_1;
    wire [3:0] give_0_1 = {(done[3] & signal_masks[48]), (done[2] & signal_masks[32]), (done[1] & signal_masks[16]),
        (done[0] & signal_masks[0])};
    wire give_0 = |give_0_1;
    reg [7:0] count_0 = 8'd0;
    wire more_0 = give_0 & (~take_0);
    wire full_0 = &count_0;
    wire up_0 = more_0 & (~full_0);
    wire down_0 = take_0 & (~give_0);
    reg nonzero_0 = 1'd0;
    wire [3:0] take_1_1 = {(issue[3] & wait_masks[49]), (issue[2] & wait_masks[33]), (issue[1] & wait_masks[17]),
        (issue[0] & wait_masks[1])};
    wire take_1 = |take_1_1;
    wire [3:0] give_1_1 = {(done[3] & signal_masks[49]), (done[2] & signal_masks[33]), (done[1] & signal_masks[17]),
        (done[0] & signal_masks[1])};
    wire give_1 = |give_1_1;
    reg [7:0] count_1 = 8'd0;
    wire more_1 = give_1 & (~take_1);
    wire full_1 = &count_1;
    wire up_1 = more_1 & (~full_1);
    wire down_1 = take_1 & (~give_1);
    reg nonzero_1 = 1'd0;
    wire [3:0] take_2_1 = {(issue[3] & wait_masks[50]), (issue[2] & wait_masks[34]), (issue[1] & wait_masks[18]),
        (issue[0] & wait_masks[2])};
    wire take_2 = |take_2_1;
    wire [3:0] give_2_1 = {(done[3] & signal_masks[50]), (done[2] & signal_masks[34]), (done[1] & signal_masks[18]),
        (done[0] & signal_masks[2])};
    wire give_2 = |give_2_1;
    reg [7:0] count_2 = 8'd0;
    wire more_2 = give_2 & (~take_2);
    wire full_2 = &count_2;
    wire up_2 = more_2 & (~full_2);
    wire down_2 = take_2 & (~give_2);
    reg nonzero_2 = 1'd0;
    wire [3:0] take_3_1 = {(issue[3] & wait_masks[51]), (issue[2] & wait_masks[35]), (issue[1] & wait_masks[19]),
        (issue[0] & wait_masks[3])};
    wire take_3 = |take_3_1;
    wire [3:0] give_3_1 = {(done[3] & signal_masks[51]), (done[2] & signal_masks[35]), (done[1] & signal_masks[19]),
        (done[0] & signal_masks[3])};
    wire give_3 = |give_3_1;
    reg [7:0] count_3 = 8'd0;
    wire more_3 = give_3 & (~take_3);
    wire full_3 = &count_3;
    wire up_3 = more_3 & (~full_3);
    wire down_3 = take_3 & (~give_3);
    reg nonzero_3 = 1'd0;
    wire [3:0] take_4_1 = {(issue[3] & wait_masks[52]), (issue[2] & wait_masks[36]), (issue[1] & wait_masks[20]),
        (issue[0] & wait_masks[4])};
    wire take_4 = |take_4_1;
    wire [3:0] give_4_1 = {(done[3] & signal_masks[52]), (done[2] & signal_masks[36]), (done[1] & signal_masks[20]),
        (done[0] & signal_masks[4])};
    wire give_4 = |give_4_1;
    reg [7:0] count_4 = 8'd0;
    wire more_4 = give_4 & (~take_4);
    wire full_4 = &count_4;
    wire up_4 = more_4 & (~full_4);
    wire down_4 = take_4 & (~give_4);
    reg nonzero_4 = 1'd0;
    wire [3:0] take_5_1 = {(issue[3] & wait_masks[53]), (issue[2] & wait_masks[37]), (issue[1] & wait_masks[21]),
        (issue[0] & wait_masks[5])};
    wire take_5 = |take_5_1;
    wire [3:0] give_5_1 = {(done[3] & signal_masks[53]), (done[2] & signal_masks[37]), (done[1] & signal_masks[21]),
        (done[0] & signal_masks[5])};
    wire give_5 = |give_5_1;
    reg [7:0] count_5 = 8'd0;
    wire more_5 = give_5 & (~take_5);
    wire full_5 = &count_5;
    wire up_5 = more_5 & (~full_5);
    wire down_5 = take_5 & (~give_5);
    reg nonzero_5 = 1'd0;
    wire [3:0] take_6_1 = {(issue[3] & wait_masks[54]), (issue[2] & wait_masks[38]), (issue[1] & wait_masks[22]),
        (issue[0] & wait_masks[6])};
    wire take_6 = |take_6_1;
    wire [3:0] give_6_1 = {(done[3] & signal_masks[54]), (done[2] & signal_masks[38]), (done[1] & signal_masks[22]),
        (done[0] & signal_masks[6])};
    wire give_6 = |give_6_1;
    reg [7:0] count_6 = 8'd0;
    wire more_6 = give_6 & (~take_6);
    wire full_6 = &count_6;
    wire up_6 = more_6 & (~full_6);
    wire down_6 = take_6 & (~give_6);
    reg nonzero_6 = 1'd0;
    wire [3:0] take_7_1 = {(issue[3] & wait_masks[55]), (issue[2] & wait_masks[39]), (issue[1] & wait_masks[23]),
        (issue[0] & wait_masks[7])};
    wire take_7 = |take_7_1;
    wire [3:0] give_7_1 = {(done[3] & signal_masks[55]), (done[2] & signal_masks[39]), (done[1] & signal_masks[23]),
        (done[0] & signal_masks[7])};
    wire give_7 = |give_7_1;
    reg [7:0] count_7 = 8'd0;
    wire more_7 = give_7 & (~take_7);
    wire full_7 = &count_7;
    wire up_7 = more_7 & (~full_7);
    wire down_7 = take_7 & (~give_7);
    reg nonzero_7 = 1'd0;
    wire [3:0] take_8_1 = {(issue[3] & wait_masks[56]), (issue[2] & wait_masks[40]), (issue[1] & wait_masks[24]),
        (issue[0] & wait_masks[8])};
    wire take_8 = |take_8_1;
    wire [3:0] give_8_1 = {(done[3] & signal_masks[56]), (done[2] & signal_masks[40]), (done[1] & signal_masks[24]),
        (done[0] & signal_masks[8])};
    wire give_8 = |give_8_1;
    reg [7:0] count_8 = 8'd0;
    wire more_8 = give_8 & (~take_8);
    wire full_8 = &count_8;
    wire up_8 = more_8 & (~full_8);
    wire down_8 = take_8 & (~give_8);
    reg nonzero_8 = 1'd0;
    wire [3:0] take_9_1 = {(issue[3] & wait_masks[57]), (issue[2] & wait_masks[41]), (issue[1] & wait_masks[25]),
        (issue[0] & wait_masks[9])};
    wire take_9 = |take_9_1;
    wire [3:0] give_9_1 = {(done[3] & signal_masks[57]), (done[2] & signal_masks[41]), (done[1] & signal_masks[25]),
        (done[0] & signal_masks[9])};
    wire give_9 = |give_9_1;
    reg [7:0] count_9 = 8'd0;
    wire more_9 = give_9 & (~take_9);
    wire full_9 = &count_9;
    wire up_9 = more_9 & (~full_9);
    wire down_9 = take_9 & (~give_9);
    reg nonzero_9 = 1'd0;
    wire [3:0] take_10_1 = {(issue[3] & wait_masks[58]), (issue[2] & wait_masks[42]), (issue[1] & wait_masks[26]),
        (issue[0] & wait_masks[10])};
    wire take_10 = |take_10_1;
    wire [3:0] give_10_1 = {(done[3] & signal_masks[58]), (done[2] & signal_masks[42]), (done[1] & signal_masks[26]),
        (done[0] & signal_masks[10])};
    wire give_10 = |give_10_1;
    reg [7:0] count_10 = 8'd0;
    wire more_10 = give_10 & (~take_10);
    wire full_10 = &count_10;
    wire up_10 = more_10 & (~full_10);
    wire down_10 = take_10 & (~give_10);
    reg nonzero_10 = 1'd0;
    wire [3:0] take_11_1 = {(issue[3] & wait_masks[59]), (issue[2] & wait_masks[43]), (issue[1] & wait_masks[27]),
        (issue[0] & wait_masks[11])};
    wire take_11 = |take_11_1;
    wire [3:0] give_11_1 = {(done[3] & signal_masks[59]), (done[2] & signal_masks[43]), (done[1] & signal_masks[27]),
        (done[0] & signal_masks[11])};
    wire give_11 = |give_11_1;
    reg [7:0] count_11 = 8'd0;
    wire more_11 = give_11 & (~take_11);
    wire full_11 = &count_11;
    wire up_11 = more_11 & (~full_11);
    wire down_11 = take_11 & (~give_11);
    reg nonzero_11 = 1'd0;
    wire [3:0] take_12_1 = {(issue[3] & wait_masks[60]), (issue[2] & wait_masks[44]), (issue[1] & wait_masks[28]),
        (issue[0] & wait_masks[12])};
    wire take_12 = |take_12_1;
    wire [3:0] give_12_1 = {(done[3] & signal_masks[60]), (done[2] & signal_masks[44]), (done[1] & signal_masks[28]),
        (done[0] & signal_masks[12])};
    wire give_12 = |give_12_1;
    reg [7:0] count_12 = 8'd0;
    wire more_12 = give_12 & (~take_12);
    wire full_12 = &count_12;
    wire up_12 = more_12 & (~full_12);
    wire down_12 = take_12 & (~give_12);
    reg nonzero_12 = 1'd0;
    wire [3:0] take_13_1 = {(issue[3] & wait_masks[61]), (issue[2] & wait_masks[45]), (issue[1] & wait_masks[29]),
        (issue[0] & wait_masks[13])};
    wire take_13 = |take_13_1;
    wire [3:0] give_13_1 = {(done[3] & signal_masks[61]), (done[2] & signal_masks[45]), (done[1] & signal_masks[29]),
        (done[0] & signal_masks[13])};
    wire give_13 = |give_13_1;
    reg [7:0] count_13 = 8'd0;
    wire more_13 = give_13 & (~take_13);
    wire full_13 = &count_13;
    wire up_13 = more_13 & (~full_13);
    wire down_13 = take_13 & (~give_13);
    reg nonzero_13 = 1'd0;
    wire [3:0] take_14_1 = {(issue[3] & wait_masks[62]), (issue[2] & wait_masks[46]), (issue[1] & wait_masks[30]),
        (issue[0] & wait_masks[14])};
    wire take_14 = |take_14_1;
    wire [3:0] give_14_1 = {(done[3] & signal_masks[62]), (done[2] & signal_masks[46]), (done[1] & signal_masks[30]),
        (done[0] & signal_masks[14])};
    wire give_14 = |give_14_1;
    reg [7:0] count_14 = 8'd0;
    wire more_14 = give_14 & (~take_14);
    wire full_14 = &count_14;
    wire up_14 = more_14 & (~full_14);
    wire down_14 = take_14 & (~give_14);
    reg nonzero_14 = 1'd0;
    wire [3:0] take_15_1 = {(issue[3] & wait_masks[63]), (issue[2] & wait_masks[47]), (issue[1] & wait_masks[31]),
        (issue[0] & wait_masks[15])};
    wire take_15 = |take_15_1;
    wire [3:0] give_15_1 = {(done[3] & signal_masks[63]), (done[2] & signal_masks[47]), (done[1] & signal_masks[31]),
        (done[0] & signal_masks[15])};
    wire give_15 = |give_15_1;
    reg [7:0] count_15 = 8'd0;
    wire more_15 = give_15 & (~take_15);
    wire full_15 = &count_15;
    wire up_15 = more_15 & (~full_15);
    wire down_15 = take_15 & (~give_15);
    reg nonzero_15 = 1'd0;
    reg overflow_r = 1'd0;
    wire [15:0] overflow_r_next_1 = {(more_15 & full_15), (more_14 & full_14), (more_13 & full_13), (more_12 &
        full_12), (more_11 & full_11), (more_10 & full_10), (more_9 & full_9), (more_8 & full_8), (more_7 & full_7),
        (more_6 & full_6), (more_5 & full_5), (more_4 & full_4), (more_3 & full_3), (more_2 & full_2), (more_1 &
        full_1), (more_0 & full_0)};
    wire [15:0] nonzero_16 = {nonzero_15, nonzero_14, nonzero_13, nonzero_12, nonzero_11, nonzero_10, nonzero_9,
        nonzero_8, nonzero_7, nonzero_6, nonzero_5, nonzero_4, nonzero_3, nonzero_2, nonzero_1, nonzero_0};
    assign nonzero = nonzero_16;
    assign overflow = overflow_r;
    always @(posedge clock) begin
        overflow_r <= (|overflow_r_next_1);
        if (reset) begin
            count_0 <= 8'd0;
            nonzero_0 <= 1'd0;
            count_1 <= 8'd0;
            nonzero_1 <= 1'd0;
            count_2 <= 8'd0;
            nonzero_2 <= 1'd0;
            count_3 <= 8'd0;
            nonzero_3 <= 1'd0;
            count_4 <= 8'd0;
            nonzero_4 <= 1'd0;
            count_5 <= 8'd0;
            nonzero_5 <= 1'd0;
            count_6 <= 8'd0;
            nonzero_6 <= 1'd0;
            count_7 <= 8'd0;
            nonzero_7 <= 1'd0;
            count_8 <= 8'd0;
            nonzero_8 <= 1'd0;
            count_9 <= 8'd0;
            nonzero_9 <= 1'd0;
            count_10 <= 8'd0;
            nonzero_10 <= 1'd0;
            count_11 <= 8'd0;
            nonzero_11 <= 1'd0;
            count_12 <= 8'd0;
            nonzero_12 <= 1'd0;
            count_13 <= 8'd0;
            nonzero_13 <= 1'd0;
            count_14 <= 8'd0;
            nonzero_14 <= 1'd0;
            count_15 <= 8'd0;
            nonzero_15 <= 1'd0;
        end else begin
            if (((clear | up_0) | down_0)) count_0 <= (clear ? 8'd0 : (count_0 + {{7{down_0}}, 1'd1}));
            if (((clear | up_0) | down_0)) nonzero_0 <= ((~clear) & (up_0 | (|count_0[7:1])));
            if (((clear | up_1) | down_1)) count_1 <= (clear ? 8'd0 : (count_1 + {{7{down_1}}, 1'd1}));
            if (((clear | up_1) | down_1)) nonzero_1 <= ((~clear) & (up_1 | (|count_1[7:1])));
            if (((clear | up_2) | down_2)) count_2 <= (clear ? 8'd0 : (count_2 + {{7{down_2}}, 1'd1}));
            if (((clear | up_2) | down_2)) nonzero_2 <= ((~clear) & (up_2 | (|count_2[7:1])));
            if (((clear | up_3) | down_3)) count_3 <= (clear ? 8'd0 : (count_3 + {{7{down_3}}, 1'd1}));
            if (((clear | up_3) | down_3)) nonzero_3 <= ((~clear) & (up_3 | (|count_3[7:1])));
            if (((clear | up_4) | down_4)) count_4 <= (clear ? 8'd0 : (count_4 + {{7{down_4}}, 1'd1}));
            if (((clear | up_4) | down_4)) nonzero_4 <= ((~clear) & (up_4 | (|count_4[7:1])));
            if (((clear | up_5) | down_5)) count_5 <= (clear ? 8'd0 : (count_5 + {{7{down_5}}, 1'd1}));
            if (((clear | up_5) | down_5)) nonzero_5 <= ((~clear) & (up_5 | (|count_5[7:1])));
            if (((clear | up_6) | down_6)) count_6 <= (clear ? 8'd0 : (count_6 + {{7{down_6}}, 1'd1}));
            if (((clear | up_6) | down_6)) nonzero_6 <= ((~clear) & (up_6 | (|count_6[7:1])));
            if (((clear | up_7) | down_7)) count_7 <= (clear ? 8'd0 : (count_7 + {{7{down_7}}, 1'd1}));
            if (((clear | up_7) | down_7)) nonzero_7 <= ((~clear) & (up_7 | (|count_7[7:1])));
            if (((clear | up_8) | down_8)) count_8 <= (clear ? 8'd0 : (count_8 + {{7{down_8}}, 1'd1}));
            if (((clear | up_8) | down_8)) nonzero_8 <= ((~clear) & (up_8 | (|count_8[7:1])));
            if (((clear | up_9) | down_9)) count_9 <= (clear ? 8'd0 : (count_9 + {{7{down_9}}, 1'd1}));
            if (((clear | up_9) | down_9)) nonzero_9 <= ((~clear) & (up_9 | (|count_9[7:1])));
            if (((clear | up_10) | down_10)) count_10 <= (clear ? 8'd0 : (count_10 + {{7{down_10}}, 1'd1}));
            if (((clear | up_10) | down_10)) nonzero_10 <= ((~clear) & (up_10 | (|count_10[7:1])));
            if (((clear | up_11) | down_11)) count_11 <= (clear ? 8'd0 : (count_11 + {{7{down_11}}, 1'd1}));
            if (((clear | up_11) | down_11)) nonzero_11 <= ((~clear) & (up_11 | (|count_11[7:1])));
            if (((clear | up_12) | down_12)) count_12 <= (clear ? 8'd0 : (count_12 + {{7{down_12}}, 1'd1}));
            if (((clear | up_12) | down_12)) nonzero_12 <= ((~clear) & (up_12 | (|count_12[7:1])));
            if (((clear | up_13) | down_13)) count_13 <= (clear ? 8'd0 : (count_13 + {{7{down_13}}, 1'd1}));
            if (((clear | up_13) | down_13)) nonzero_13 <= ((~clear) & (up_13 | (|count_13[7:1])));
            if (((clear | up_14) | down_14)) count_14 <= (clear ? 8'd0 : (count_14 + {{7{down_14}}, 1'd1}));
            if (((clear | up_14) | down_14)) nonzero_14 <= ((~clear) & (up_14 | (|count_14[7:1])));
            if (((clear | up_15) | down_15)) count_15 <= (clear ? 8'd0 : (count_15 + {{7{down_15}}, 1'd1}));
            if (((clear | up_15) | down_15)) nonzero_15 <= ((~clear) & (up_15 | (|count_15[7:1])));
        end
    end
endmodule

// The lines and planes of a transfer, cut into bursts.
module transfer_walk(
    clock, start, advance, instruction, base, reset, valid, address, beats, head, ends, line_first,
    row, bank, last
);
    input wire clock;
    input wire start;
    input wire advance;
    input wire [255:0] instruction;
    input wire [19:0] base;
    input wire reset;
    output wire valid;
    output wire [31:0] address;
    output wire [4:0] beats;
    output wire [1:0] head;
    output wire [6:0] ends;
    output wire line_first;
    output wire [15:0] row;
    output wire [1:0] bank;
    output wire last;
    // Fields in use.
    wire [31:0] instruction_external = instruction[66:35];
    wire [31:0] instruction_external_line = instruction[98:67];
    wire [31:0] instruction_external_plane = instruction[130:99];
    wire [15:0] instruction_local_row = instruction[146:131];
    wire [5:0] instruction_local_bank = instruction[152:147];
    wire [15:0] instruction_local_line_row = instruction[168:153];
    wire [5:0] instruction_local_line_bank = instruction[174:169];
    wire [15:0] instruction_local_plane_row = instruction[190:175];
    wire [5:0] instruction_local_plane_bank = instruction[196:191];
    wire [23:0] instruction_line_bytes = instruction[220:197];
    wire [15:0] instruction_lines_less_1 = instruction[236:221];
    wire [15:0] instruction_planes_less_1 = instruction[252:237];
    // Where the next burst begins, and what its line and its plane began with.
    reg [31:0] next_address = 32'd0;
    reg [23:0] bytes_left_less_1 = 24'd0;
    reg next_line_first = 1'd0;
    reg [31:0] line_address = 32'd0;
    reg [31:0] plane_address = 32'd0;
    reg [17:0] line_local = 18'd0;
    reg [17:0] plane_local = 18'd0;
    reg [15:0] lines_left = 16'd0;
    reg [15:0] planes_left = 16'd0;
    reg pending = 1'd0;
    reg burst_valid = 1'd0;
    // The burst, computed in the cycle after its place is known: what is left of the line, or what is
    // left of the aligned block, whichever is less. The line ends in the block if its last byte lies
    // there.
    wire [6:0] offset_in_burst = {1'd0, next_address[5:0]};
    wire [6:0] line_end_in_block = {1'd0, bytes_left_less_1[5:0]} + offset_in_burst;
    wire ends_line = (~(|bytes_left_less_1[23:6])) & (~line_end_in_block[6]);
    wire [1:0] next_head = next_address[1:0];
    wire [7:0] to_line_end_1 = {bytes_left_less_1[6:0], 1'd1} + {{5'd0, next_head}, 1'd1};
    wire [6:0] to_line_end = to_line_end_1[7:1];
    wire computed = pending;
    wire last_line = ~(|lines_left);
    wire last_plane = ~(|planes_left);
    reg [6:0] bytes_to_block_end = 7'd0;
    reg burst_ends_line = 1'd0;
    reg burst_ends_plane = 1'd0;
    reg [4:0] burst_beats = 5'd0;
    reg [6:0] burst_ends = 7'd0;
    reg [17:0] burst_local = 18'd0;
    reg burst_last = 1'd0;
    // The next line and the next plane. Bursts are two cycles apart, so there is a cycle in which
    // these are added before one of them is chosen.
    reg [31:0] next_line_address = 32'd0;
    reg [31:0] next_plane_address = 32'd0;
    reg [3:0] line_step_less = 4'd0;
    reg [17:0] next_line_local = 18'd0;
    reg [3:0] plane_step_less = 4'd0;
    reg [17:0] next_plane_local = 18'd0;
    // The first address; the instruction has been there for a cycle when it starts.
    reg [31:0] first_address = 32'd0;
    wire [31:0] onward_1 = burst_ends_line ? next_line_address : {(next_address[31:6] + 26'd1), 6'd0};
    // What follows; taken over with `advance`. A burst that does not end its line ends its block.
    wire [31:0] onward = burst_ends_plane ? next_plane_address : onward_1;
    wire [31:0] next_place = start ? first_address : onward;
    wire [17:0] next_local = start ? {instruction_local_row, instruction_local_bank[1:0]} : (burst_ends_plane ?
        next_plane_local : next_line_local);
    wire change = start | advance;
    wire change_line = start | (advance & burst_ends_line);
    wire change_plane = start | (advance & burst_ends_plane);
    wire [23:0] remaining = bytes_left_less_1 - {17'd0, bytes_to_block_end};
    wire [23:0] bytes_left_less_1_next_1 = (start | burst_ends_line) ? (instruction_line_bytes - 24'd1) : remaining;
    wire [15:0] lines_left_next_1 = (start | last_line) ? instruction_lines_less_1 : (lines_left - 16'd1);
    wire [6:0] burst_beats_next_1 = to_line_end + 7'd3;
    wire [4:0] burst_ends_next_1 = 5'd16 - offset_in_burst[6:2];
    wire [2:0] burst_local_next_1 = {1'd0, line_local[1:0]} - {1'd0, next_head};
    wire [2:0] burst_local_next_2 = burst_local_next_1[2] ? (burst_local_next_1 + 3'd4) : burst_local_next_1;
    wire [17:0] burst_local_next_3 = {(line_local[17:2] - {15'd0, burst_local_next_1[2]}), burst_local_next_2[1:0]};
    wire [3:0] next_line_local_next_1 = {2'd0, line_local[1:0]} + line_step_less;
    wire next_line_local_next_2 = ~next_line_local_next_1[3];
    wire [16:0] next_line_local_next_3 = {line_local[17:2], next_line_local_next_2} + {instruction_local_line_row,
        next_line_local_next_2};
    wire [2:0] next_line_local_next_4 = {1'd0, line_local[1:0]} + {1'd0, instruction_local_line_bank[1:0]};
    wire [1:0] next_line_local_next_5 = next_line_local_next_1[3] ? next_line_local_next_4[1:0] :
        next_line_local_next_1[1:0];
    wire [3:0] next_plane_local_next_1 = {2'd0, plane_local[1:0]} + plane_step_less;
    wire next_plane_local_next_2 = ~next_plane_local_next_1[3];
    wire [16:0] next_plane_local_next_3 = {plane_local[17:2], next_plane_local_next_2} + {instruction_local_plane_row,
        next_plane_local_next_2};
    wire [2:0] next_plane_local_next_4 = {1'd0, plane_local[1:0]} + {1'd0, instruction_local_plane_bank[1:0]};
    wire [1:0] next_plane_local_next_5 = next_plane_local_next_1[3] ? next_plane_local_next_4[1:0] :
        next_plane_local_next_1[1:0];
    wire [31:0] first_address_next_1 = {(instruction_external[31:12] + base), instruction_external[11:0]};
    assign valid = burst_valid;
    assign address = {next_address[31:2], 2'd0};
    assign beats = burst_beats;
    assign head = next_head;
    assign ends = burst_ends;
    assign line_first = next_line_first;
    assign row = burst_local[17:2];
    assign bank = burst_local[1:0];
    assign last = burst_last;
    always @(posedge clock) begin
        if (change) next_address <= next_place;
        if (change) bytes_left_less_1 <= bytes_left_less_1_next_1;
        if (change) next_line_first <= (start | burst_ends_line);
        if (change_line) line_address <= next_place;
        if (change_plane) plane_address <= next_place;
        if (change_line) line_local <= next_local;
        if (change_plane) plane_local <= next_local;
        if (change_line) lines_left <= lines_left_next_1;
        if (change_plane) planes_left <= (start ? instruction_planes_less_1 : (planes_left - 16'd1));
        if (computed) bytes_to_block_end <= (7'd64 - offset_in_burst);
        if (computed) burst_ends_line <= ends_line;
        if (computed) burst_ends_plane <= (ends_line & last_line);
        if (computed) burst_beats <= (ends_line ? burst_beats_next_1[6:2] : burst_ends_next_1);
        if (computed) burst_ends <= (ends_line ? to_line_end : {burst_ends_next_1, 2'd0});
        if (computed) burst_local <= burst_local_next_3;
        if (computed) burst_last <= ((ends_line & last_line) & last_plane);
        next_line_address <= (line_address + instruction_external_line);
        next_plane_address <= (plane_address + instruction_external_plane);
        line_step_less <= ({2'd0, instruction_local_line_bank[1:0]} - 4'd4);
        next_line_local <= {next_line_local_next_3[16:1], next_line_local_next_5};
        plane_step_less <= ({2'd0, instruction_local_plane_bank[1:0]} - 4'd4);
        next_plane_local <= {next_plane_local_next_3[16:1], next_plane_local_next_5};
        first_address <= first_address_next_1;
        if (reset) begin
            pending <= 1'd0;
            burst_valid <= 1'd0;
        end else begin
            pending <= (start | (advance & (~burst_last)));
            burst_valid <= (pending | (burst_valid & (~advance)));
        end
    end
endmodule

// Small memory of 8 words of 29 bits, read without a clock.
module small_ram_8x29(clock, write_enable, write_address, write_data, read_address, read_data);
    input wire clock;
    input wire write_enable;
    input wire [2:0] write_address;
    input wire [28:0] write_data;
    input wire [2:0] read_address;
    output wire [28:0] read_data;
    reg [28:0] memory [0:7];
    integer i;
    initial for (i = 0; i < 8; i = i + 1) memory[i] = 0;
    always @(posedge clock) begin
        if (write_enable) memory[write_address] <= write_data;
    end
    assign read_data = memory[read_address];
endmodule

// Load unit: lines of external memory into the on-chip memories.
module load(
    clock, start, instruction, base, grant, beat_valid, beat_data, beat_last, reset, request,
    address, beats, done, illegal, row, data, enable, weight_write, compute_channel_write,
    vector_channel_write, table_write, weight_word, weight_beat, channel_word, channel_beat,
    table_address, word_data
);
    input wire clock;
    input wire start;
    input wire [255:0] instruction;
    input wire [19:0] base;
    input wire grant;
    input wire beat_valid;
    input wire [31:0] beat_data;
    input wire beat_last;
    input wire reset;
    output wire request;
    output wire [31:0] address;
    output wire [4:0] beats;
    output wire done;
    output wire illegal;
    output wire [59:0] row;
    output wire [31:0] data;
    output wire [3:0] enable;
    output wire weight_write;
    output wire compute_channel_write;
    output wire vector_channel_write;
    output wire table_write;
    output wire [13:0] weight_word;
    output wire weight_beat;
    output wire [9:0] channel_word;
    output wire [1:0] channel_beat;
    output wire [10:0] table_address;
    output wire [31:0] word_data;
    // Fields in use.
    wire [2:0] instruction_memory = instruction[34:32];
    wire walk_valid;
    wire [31:0] walk_address;
    wire [4:0] walk_beats;
    wire [1:0] walk_head;
    wire [6:0] walk_ends;
    wire walk_line_first;
    wire [15:0] walk_row;
    wire [1:0] walk_bank;
    wire walk_last;
    // Descriptions of the bursts under way, in the order of their beats.
    wire burst_ends = beat_valid & beat_last;
    reg [2:0] bursts_write = 3'd0;
    reg [2:0] bursts_read = 3'd0;
    wire [2:0] bursts_read_next = burst_ends ? (bursts_read + 3'd1) : bursts_read;
    reg [3:0] bursts_count = 4'd0;
    wire [28:0] bursts_entries_read_data;
    reg [28:0] bursts_head = 29'd0;
    wire bursts_full = bursts_count == 4'd8;
    // Place of the beat: of its line at the line's first beat, else after the beat before.
    reg middle_of_burst = 1'd0;
    wire fresh = (~middle_of_burst) & bursts_head[27];
    reg [6:0] ends_left = 7'd0;
    wire [6:0] ends = middle_of_burst ? ends_left : bursts_head[24:18];
    wire [1:0] head = bursts_head[26:25] & {2{(~middle_of_burst)}};
    reg [14:0] beat_row = 15'd0;
    reg [1:0] bank_after = 2'd0;
    reg carry_after = 1'd0;
    wire [1:0] bank_now = fresh ? bursts_head[1:0] : bank_after;
    reg [1:0] beat_bank = 2'd0;
    // Which memory; for words the beat inside the word.
    wire to_feature = instruction_memory == 3'd0;
    wire to_weights = instruction_memory == 3'd1;
    wire to_compute_channels = instruction_memory == 3'd2;
    wire to_vector_channels = instruction_memory == 3'd3;
    wire to_tables = instruction_memory == 3'd4;
    reg [5:0] last_beat = 6'd0;
    reg [15:0] next_word = 16'd0;
    reg [5:0] next_beat = 6'd0;
    wire [15:0] word = fresh ? bursts_head[17:2] : next_word;
    wire [5:0] word_beat = fresh ? 6'd0 : next_beat;
    wire word_ends = word_beat == last_beat;
    wire wraps = to_weights & (word == 16'h23ff);
    // Cycle 2: a beat with its place.
    reg [3:0] mask_2 = 4'd0;
    reg [31:0] data_2 = 32'd0;
    reg [15:0] word_2 = 16'd0;
    reg [5:0] word_beat_2 = 6'd0;
    reg weight_write_2 = 1'd0;
    reg compute_channel_write_2 = 1'd0;
    reg vector_channel_write_2 = 1'd0;
    reg table_write_2 = 1'd0;
    // Cycle 3: banks of the bytes; words are on their way.
    reg [1:0] byte_bank_0 = 2'd0;
    reg [1:0] byte_bank_1 = 2'd0;
    reg [1:0] byte_bank_2 = 2'd0;
    reg [1:0] byte_bank_3 = 2'd0;
    reg [3:0] mask_3 = 4'd0;
    reg [31:0] data_3 = 32'd0;
    reg [14:0] row_3 = 15'd0;
    reg [14:0] row_3_plus_1 = 15'd0;
    reg [1:0] bank_3 = 2'd0;
    reg [15:0] word_3 = 16'd0;
    reg [5:0] word_beat_3 = 6'd0;
    // Cycle 4: every bank its byte.
    wire hit_0_0 = mask_3[0] & (byte_bank_0 == 2'd0);
    wire hit_0_1 = mask_3[1] & (byte_bank_1 == 2'd0);
    wire hit_0_2 = mask_3[2] & (byte_bank_2 == 2'd0);
    wire hit_0_3 = mask_3[3] & (byte_bank_3 == 2'd0);
    reg [7:0] bank_data_0 = 8'd0;
    reg bank_enable_0 = 1'd0;
    reg [14:0] bank_row_0 = 15'd0;
    wire hit_1_0 = mask_3[0] & (byte_bank_0 == 2'd1);
    wire hit_1_1 = mask_3[1] & (byte_bank_1 == 2'd1);
    wire hit_1_2 = mask_3[2] & (byte_bank_2 == 2'd1);
    wire hit_1_3 = mask_3[3] & (byte_bank_3 == 2'd1);
    reg [7:0] bank_data_1 = 8'd0;
    reg bank_enable_1 = 1'd0;
    reg [14:0] bank_row_1 = 15'd0;
    wire hit_2_0 = mask_3[0] & (byte_bank_0 == 2'd2);
    wire hit_2_1 = mask_3[1] & (byte_bank_1 == 2'd2);
    wire hit_2_2 = mask_3[2] & (byte_bank_2 == 2'd2);
    wire hit_2_3 = mask_3[3] & (byte_bank_3 == 2'd2);
    reg [7:0] bank_data_2 = 8'd0;
    reg bank_enable_2 = 1'd0;
    reg [14:0] bank_row_2 = 15'd0;
    wire hit_3_0 = mask_3[0] & (byte_bank_0 == 2'd3);
    wire hit_3_1 = mask_3[1] & (byte_bank_1 == 2'd3);
    wire hit_3_2 = mask_3[2] & (byte_bank_2 == 2'd3);
    wire hit_3_3 = mask_3[3] & (byte_bank_3 == 2'd3);
    reg [7:0] bank_data_3 = 8'd0;
    reg bank_enable_3 = 1'd0;
    reg [14:0] bank_row_3 = 15'd0;
    wire transfer_ends = (beat_valid & beat_last) & bursts_head[28];
    reg finished_1 = 1'd0;
    reg finished_2 = 1'd0;
    reg finished_3 = 1'd0;
    reg finished_4 = 1'd0;
    reg finished_5 = 1'd0;
    reg illegal_r = 1'd0;
    reg weight_write_3 = 1'd0;
    reg compute_channel_write_3 = 1'd0;
    reg vector_channel_write_3 = 1'd0;
    reg table_write_3 = 1'd0;
    wire [1:0] bursts_count_next_1 = {grant, burst_ends};
    wire [3:0] bursts_count_next_2 = (bursts_count_next_1 == 2'd1) ? (bursts_count - 4'd1) : bursts_count;
    wire [3:0] bursts_count_next_3 = (bursts_count_next_1 == 2'd2) ? (bursts_count + 4'd1) : bursts_count_next_2;
    wire [14:0] beat_row_next_1 = fresh ? bursts_head[16:2] : (beat_row + {14'd0, carry_after});
    wire [5:0] last_beat_next_1 = ({6{(to_compute_channels | to_vector_channels)}} & 6'd3) | {6{to_tables}};
    wire [3:0] mask_2_next_1 = {(7'd3 < ends), ((~(2'd2 < head)) & (7'd2 < ends)), ((~(2'd1 < head)) & (7'd1 < ends)),
        ((~(|head)) & (7'd0 < ends))};
    wire [3:0] byte_bank_0_next_1 = {2'd0, beat_bank} + 4'd12;
    wire [2:0] byte_bank_0_next_2 = {1'd0, beat_bank};
    wire [1:0] byte_bank_0_next_3 = byte_bank_0_next_1[3] ? byte_bank_0_next_2[1:0] : byte_bank_0_next_1[1:0];
    wire [3:0] byte_bank_1_next_1 = {2'd0, beat_bank} + 4'd13;
    wire [2:0] byte_bank_1_next_2 = {1'd0, beat_bank} + 3'd1;
    wire [1:0] byte_bank_1_next_3 = byte_bank_1_next_1[3] ? byte_bank_1_next_2[1:0] : byte_bank_1_next_1[1:0];
    wire [3:0] byte_bank_2_next_1 = {2'd0, beat_bank} + 4'd14;
    wire [2:0] byte_bank_2_next_2 = {1'd0, beat_bank} + 3'd2;
    wire [1:0] byte_bank_2_next_3 = byte_bank_2_next_1[3] ? byte_bank_2_next_2[1:0] : byte_bank_2_next_1[1:0];
    wire [3:0] byte_bank_3_next_1 = {2'd0, beat_bank} + 4'd15;
    wire [2:0] byte_bank_3_next_2 = {1'd0, beat_bank} + 3'd3;
    wire [1:0] byte_bank_3_next_3 = byte_bank_3_next_1[3] ? byte_bank_3_next_2[1:0] : byte_bank_3_next_1[1:0];
    wire [7:0] bank_data_0_next_1 = ({8{hit_0_2}} & data_3[23:16]) | ({8{hit_0_3}} & data_3[31:24]);
    wire [7:0] bank_data_0_next_2 = (({8{hit_0_0}} & data_3[7:0]) | ({8{hit_0_1}} & data_3[15:8])) |
        bank_data_0_next_1;
    wire [7:0] bank_data_1_next_1 = ({8{hit_1_2}} & data_3[23:16]) | ({8{hit_1_3}} & data_3[31:24]);
    wire [7:0] bank_data_1_next_2 = (({8{hit_1_0}} & data_3[7:0]) | ({8{hit_1_1}} & data_3[15:8])) |
        bank_data_1_next_1;
    wire [7:0] bank_data_2_next_1 = ({8{hit_2_2}} & data_3[23:16]) | ({8{hit_2_3}} & data_3[31:24]);
    wire [7:0] bank_data_2_next_2 = (({8{hit_2_0}} & data_3[7:0]) | ({8{hit_2_1}} & data_3[15:8])) |
        bank_data_2_next_1;
    wire [7:0] bank_data_3_next_1 = ({8{hit_3_2}} & data_3[23:16]) | ({8{hit_3_3}} & data_3[31:24]);
    wire [7:0] bank_data_3_next_2 = (({8{hit_3_0}} & data_3[7:0]) | ({8{hit_3_1}} & data_3[15:8])) |
        bank_data_3_next_1;
    wire [4:0] illegal_r_next_1 = {to_feature, to_weights, to_compute_channels, to_vector_channels, to_tables};
    wire [23:0] table_address_1 = {word_3, {word_beat_3, 2'd0}};
    wire [28:0] bursts_entries_write_data_1 = {walk_last, walk_line_first, walk_head, walk_ends, walk_row, walk_bank};
    assign request = (walk_valid & (~bursts_full));
    assign address = walk_address;
    assign beats = walk_beats;
    assign done = finished_5;
    assign illegal = illegal_r;
    assign row = {bank_row_3, bank_row_2, bank_row_1, bank_row_0};
    assign data = {bank_data_3, bank_data_2, bank_data_1, bank_data_0};
    assign enable = {bank_enable_3, bank_enable_2, bank_enable_1, bank_enable_0};
    assign weight_write = weight_write_3;
    assign compute_channel_write = compute_channel_write_3;
    assign vector_channel_write = vector_channel_write_3;
    assign table_write = table_write_3;
    assign weight_word = word_3[13:0];
    assign weight_beat = word_beat_3[0];
    assign channel_word = word_3[9:0];
    assign channel_beat = word_beat_3[1:0];
    assign table_address = table_address_1[10:0];
    assign word_data = data_3;
    transfer_walk walk (
        .clock(clock),
        .start(start),
        .advance(grant),
        .instruction(instruction),
        .base(base),
        .reset(reset),
        .valid(walk_valid),
        .address(walk_address),
        .beats(walk_beats),
        .head(walk_head),
        .ends(walk_ends),
        .line_first(walk_line_first),
        .row(walk_row),
        .bank(walk_bank),
        .last(walk_last)
    );
    small_ram_8x29 bursts_entries (
        .clock(clock),
        .write_enable(grant),
        .write_address(bursts_write),
        .write_data(bursts_entries_write_data_1),
        .read_address(bursts_read_next),
        .read_data(bursts_entries_read_data)
    );
    always @(posedge clock) begin
        bursts_head <= bursts_entries_read_data;
        if (beat_valid) ends_left <= (ends - 7'd4);
        if (beat_valid) beat_row <= beat_row_next_1;
        if (beat_valid) bank_after <= bank_now;
        if (beat_valid) carry_after <= 1'd1;
        beat_bank <= bank_now;
        last_beat <= last_beat_next_1;
        if (beat_valid) next_word <= (word_ends ? (wraps ? 16'd0 : (word + 16'd1)) : word);
        if (beat_valid) next_beat <= (word_ends ? 6'd0 : (word_beat + 6'd1));
        mask_2 <= (mask_2_next_1 & {4{(beat_valid & to_feature)}});
        data_2 <= beat_data;
        word_2 <= word;
        word_beat_2 <= word_beat;
        weight_write_2 <= (beat_valid & to_weights);
        compute_channel_write_2 <= (beat_valid & to_compute_channels);
        vector_channel_write_2 <= (beat_valid & to_vector_channels);
        table_write_2 <= (beat_valid & to_tables);
        byte_bank_0 <= byte_bank_0_next_3;
        byte_bank_1 <= byte_bank_1_next_3;
        byte_bank_2 <= byte_bank_2_next_3;
        byte_bank_3 <= byte_bank_3_next_3;
        mask_3 <= mask_2;
        data_3 <= data_2;
        row_3 <= beat_row;
        row_3_plus_1 <= (beat_row + 15'd1);
        bank_3 <= beat_bank;
        word_3 <= word_2;
        word_beat_3 <= word_beat_2;
        bank_data_0 <= bank_data_0_next_2;
        bank_enable_0 <= (|{hit_0_3, hit_0_2, hit_0_1, hit_0_0});
        bank_row_0 <= ((2'd0 < bank_3) ? row_3_plus_1 : row_3);
        bank_data_1 <= bank_data_1_next_2;
        bank_enable_1 <= (|{hit_1_3, hit_1_2, hit_1_1, hit_1_0});
        bank_row_1 <= ((2'd1 < bank_3) ? row_3_plus_1 : row_3);
        bank_data_2 <= bank_data_2_next_2;
        bank_enable_2 <= (|{hit_2_3, hit_2_2, hit_2_1, hit_2_0});
        bank_row_2 <= ((2'd2 < bank_3) ? row_3_plus_1 : row_3);
        bank_data_3 <= bank_data_3_next_2;
        bank_enable_3 <= (|{hit_3_3, hit_3_2, hit_3_1, hit_3_0});
        bank_row_3 <= row_3;
        finished_1 <= transfer_ends;
        finished_2 <= finished_1;
        finished_3 <= finished_2;
        finished_4 <= finished_3;
        finished_5 <= finished_4;
        illegal_r <= (start & (~(|illegal_r_next_1)));
        weight_write_3 <= weight_write_2;
        compute_channel_write_3 <= compute_channel_write_2;
        vector_channel_write_3 <= vector_channel_write_2;
        table_write_3 <= table_write_2;
        if (reset) begin
            bursts_write <= 3'd0;
            bursts_read <= 3'd0;
            bursts_count <= 4'd0;
            middle_of_burst <= 1'd0;
        end else begin
            if (grant) bursts_write <= (bursts_write + 3'd1);
            bursts_read <= bursts_read_next;
            bursts_count <= bursts_count_next_3;
            if (beat_valid) middle_of_burst <= (~beat_last);
        end
    end
endmodule

// Memory of 32 words of 36 bits, one write and one read port; data 1 cycles after the address.
module ram_32x36(clock, write_enable, write_address, write_data, read_address, read_data);
    input wire clock;
    input wire write_enable;
    input wire [4:0] write_address;
    input wire [35:0] write_data;
    input wire [4:0] read_address;
    output wire [35:0] read_data;
    (* no_rw_check *)
    reg [35:0] memory [0:31];
    reg [35:0] data_1;
    `ifndef SYNTHESIS
    integer i;
    initial begin
        for (i = 0; i < 32; i = i + 1) memory[i] = 0;
        data_1 = 0;
    end
    `endif
    always @(posedge clock) begin
        if (write_enable) memory[write_address] <= write_data;
    end
    always @(posedge clock) begin
        data_1 <= memory[read_address];
    end
    assign read_data = data_1;
endmodule

// Store unit: feature memory to lines of external memory, through two burst slots.
module store(
    clock, start, instruction, grant, base, feature_data, wready, bvalid, reset, request, address,
    beats, done, illegal, row, enable, wvalid, wdata, wstrb, wlast
);
    input wire clock;
    input wire start;
    input wire [255:0] instruction;
    input wire grant;
    input wire [19:0] base;
    input wire [31:0] feature_data;
    input wire wready;
    input wire bvalid;
    input wire reset;
    output wire request;
    output wire [31:0] address;
    output wire [4:0] beats;
    output wire done;
    output wire illegal;
    output wire [59:0] row;
    output wire [3:0] enable;
    output wire wvalid;
    output wire [31:0] wdata;
    output wire [3:0] wstrb;
    output wire wlast;
    // Fields in use.
    wire [2:0] instruction_memory = instruction[34:32];
    wire walk_valid;
    reg middle_of_burst = 1'd0;
    reg pause = 1'd0;
    reg [1:0] slots_used = 2'd0;
    reg [4:0] responses_left = 5'd0;
    // Cycle r: the place of a beat.
    wire take = ((walk_valid & (~middle_of_burst)) & (~pause)) & ((~slots_used[1]) & (~responses_left[4]));
    wire [31:0] walk_address;
    wire [4:0] walk_beats;
    wire [1:0] walk_head;
    wire [6:0] walk_ends;
    wire walk_line_first;
    wire [15:0] walk_row;
    wire [1:0] walk_bank;
    wire walk_last;
    // Write data: a burst is sent from two cycles after its grant on.
    reg [1:0] armed = 2'd0;
    wire sending = |armed;
    wire beat_sent = sending & wready;
    reg [3:0] send_beat = 4'd0;
    reg send_slot = 1'd0;
    reg [3:0] slot_last_beat_1 = 4'd0;
    reg [3:0] slot_last_beat_0 = 4'd0;
    wire is_last = send_beat == (send_slot ? slot_last_beat_1 : slot_last_beat_0);
    wire slot_sent = beat_sent & is_last;
    wire step = take | middle_of_burst;
    reg [4:0] beats_left = 5'd0;
    wire [4:0] beats_now = middle_of_burst ? beats_left : walk_beats;
    wire last_beat = step & (beats_now == 5'd1);
    reg [6:0] ends_left = 7'd0;
    wire [6:0] ends = middle_of_burst ? ends_left : walk_ends;
    wire [1:0] head = walk_head & {2{(~middle_of_burst)}};
    wire fresh = (~middle_of_burst) & walk_line_first;
    reg [14:0] beat_row = 15'd0;
    reg [1:0] bank_after = 2'd0;
    reg carry_after = 1'd0;
    wire [1:0] bank_now = fresh ? walk_bank : bank_after;
    reg [1:0] beat_bank = 2'd0;
    reg all_taken = 1'd0;
    // r + 1: masks; r + 2: banks of the bytes; r + 3: rows of the banks.
    reg [3:0] mask_1 = 4'd0;
    reg [1:0] byte_bank_0 = 2'd0;
    reg [1:0] byte_bank_1 = 2'd0;
    reg [1:0] byte_bank_2 = 2'd0;
    reg [1:0] byte_bank_3 = 2'd0;
    reg [3:0] mask_2 = 4'd0;
    reg [14:0] row_2 = 15'd0;
    reg [14:0] row_2_plus_1 = 15'd0;
    reg [1:0] bank_2 = 2'd0;
    reg bank_enable_0 = 1'd0;
    reg [14:0] bank_row_0 = 15'd0;
    reg bank_enable_1 = 1'd0;
    reg [14:0] bank_row_1 = 15'd0;
    reg bank_enable_2 = 1'd0;
    reg [14:0] bank_row_2 = 15'd0;
    reg bank_enable_3 = 1'd0;
    reg [14:0] bank_row_3 = 15'd0;
    // Bytes of the beat out of those of the banks.
    reg [1:0] byte_bank_0_late_1 = 2'd0;
    reg [1:0] byte_bank_0_late_2 = 2'd0;
    reg [1:0] byte_bank_0_late_3 = 2'd0;
    reg [1:0] byte_bank_0_late_4 = 2'd0;
    reg [3:0] byte_choice_0 = 4'd0;
    reg [7:0] byte_0_1_0 = 8'd0;
    reg [7:0] byte_0_1_1 = 8'd0;
    reg [7:0] byte_0_2_0 = 8'd0;
    wire [7:0] byte_0 = byte_0_2_0;
    reg [1:0] byte_bank_1_late_1 = 2'd0;
    reg [1:0] byte_bank_1_late_2 = 2'd0;
    reg [1:0] byte_bank_1_late_3 = 2'd0;
    reg [1:0] byte_bank_1_late_4 = 2'd0;
    reg [3:0] byte_choice_1 = 4'd0;
    reg [7:0] byte_1_1_0 = 8'd0;
    reg [7:0] byte_1_1_1 = 8'd0;
    reg [7:0] byte_1_2_0 = 8'd0;
    wire [7:0] byte_1 = byte_1_2_0;
    reg [1:0] byte_bank_2_late_1 = 2'd0;
    reg [1:0] byte_bank_2_late_2 = 2'd0;
    reg [1:0] byte_bank_2_late_3 = 2'd0;
    reg [1:0] byte_bank_2_late_4 = 2'd0;
    reg [3:0] byte_choice_2 = 4'd0;
    reg [7:0] byte_2_1_0 = 8'd0;
    reg [7:0] byte_2_1_1 = 8'd0;
    reg [7:0] byte_2_2_0 = 8'd0;
    wire [7:0] byte_2 = byte_2_2_0;
    reg [1:0] byte_bank_3_late_1 = 2'd0;
    reg [1:0] byte_bank_3_late_2 = 2'd0;
    reg [1:0] byte_bank_3_late_3 = 2'd0;
    reg [1:0] byte_bank_3_late_4 = 2'd0;
    reg [3:0] byte_choice_3 = 4'd0;
    reg [7:0] byte_3_1_0 = 8'd0;
    reg [7:0] byte_3_1_1 = 8'd0;
    reg [7:0] byte_3_2_0 = 8'd0;
    wire [7:0] byte_3 = byte_3_2_0;
    reg [3:0] strobes_late_1 = 4'd0;
    reg [3:0] strobes_late_2 = 4'd0;
    reg [3:0] strobes_late_3 = 4'd0;
    reg [3:0] strobes_late_4 = 4'd0;
    reg [3:0] strobes_late_5 = 4'd0;
    reg [3:0] strobes_late_6 = 4'd0;
    reg [3:0] strobes_late_7 = 4'd0;
    reg [1:0] marks_late_1 = 2'd0;
    reg [1:0] marks_late_2 = 2'd0;
    reg [1:0] marks_late_3 = 2'd0;
    reg [1:0] marks_late_4 = 2'd0;
    reg [1:0] marks_late_5 = 2'd0;
    reg [1:0] marks_late_6 = 2'd0;
    reg [1:0] marks_late_7 = 2'd0;
    reg [1:0] marks_late_8 = 2'd0;
    reg [1:0] written = 2'd0;
    // The slots: a memory of twice the longest burst.
    reg write_slot = 1'd0;
    reg [3:0] write_beat = 4'd0;
    wire send_slot_next = send_slot ^ slot_sent;
    wire [3:0] send_beat_next = beat_sent ? (is_last ? 4'd0 : (send_beat + 4'd1)) : send_beat;
    wire [35:0] slots_read_data;
    // Requests: a burst is complete when its last beat reaches its slot.
    reg take_slot = 1'd0;
    reg [31:0] slot_address_0 = 32'd0;
    reg [31:0] slot_address_1 = 32'd0;
    reg [4:0] slot_beats_0 = 5'd0;
    reg [4:0] slot_beats_1 = 5'd0;
    reg [1:0] complete = 2'd0;
    reg was_granted = 1'd0;
    reg request_slot = 1'd0;
    reg done_r = 1'd0;
    reg illegal_r = 1'd0;
    wire [3:0] mask_1_next_1 = {(7'd3 < ends), ((~(2'd2 < head)) & (7'd2 < ends)), ((~(2'd1 < head)) & (7'd1 < ends)),
        ((~(|head)) & (7'd0 < ends))};
    wire [3:0] byte_bank_0_next_1 = {2'd0, beat_bank} + 4'd12;
    wire [2:0] byte_bank_0_next_2 = {1'd0, beat_bank};
    wire [1:0] byte_bank_0_next_3 = byte_bank_0_next_1[3] ? byte_bank_0_next_2[1:0] : byte_bank_0_next_1[1:0];
    wire [3:0] byte_bank_1_next_1 = {2'd0, beat_bank} + 4'd13;
    wire [2:0] byte_bank_1_next_2 = {1'd0, beat_bank} + 3'd1;
    wire [1:0] byte_bank_1_next_3 = byte_bank_1_next_1[3] ? byte_bank_1_next_2[1:0] : byte_bank_1_next_1[1:0];
    wire [3:0] byte_bank_2_next_1 = {2'd0, beat_bank} + 4'd14;
    wire [2:0] byte_bank_2_next_2 = {1'd0, beat_bank} + 3'd2;
    wire [1:0] byte_bank_2_next_3 = byte_bank_2_next_1[3] ? byte_bank_2_next_2[1:0] : byte_bank_2_next_1[1:0];
    wire [3:0] byte_bank_3_next_1 = {2'd0, beat_bank} + 4'd15;
    wire [2:0] byte_bank_3_next_2 = {1'd0, beat_bank} + 3'd3;
    wire [1:0] byte_bank_3_next_3 = byte_bank_3_next_1[3] ? byte_bank_3_next_2[1:0] : byte_bank_3_next_1[1:0];
    wire [3:0] bank_enable_0_next_1 = {(mask_2[3] & (byte_bank_3 == 2'd0)), (mask_2[2] & (byte_bank_2 == 2'd0)),
        (mask_2[1] & (byte_bank_1 == 2'd0)), (mask_2[0] & (byte_bank_0 == 2'd0))};
    wire [3:0] bank_enable_1_next_1 = {(mask_2[3] & (byte_bank_3 == 2'd1)), (mask_2[2] & (byte_bank_2 == 2'd1)),
        (mask_2[1] & (byte_bank_1 == 2'd1)), (mask_2[0] & (byte_bank_0 == 2'd1))};
    wire [3:0] bank_enable_2_next_1 = {(mask_2[3] & (byte_bank_3 == 2'd2)), (mask_2[2] & (byte_bank_2 == 2'd2)),
        (mask_2[1] & (byte_bank_1 == 2'd2)), (mask_2[0] & (byte_bank_0 == 2'd2))};
    wire [3:0] bank_enable_3_next_1 = {(mask_2[3] & (byte_bank_3 == 2'd3)), (mask_2[2] & (byte_bank_2 == 2'd3)),
        (mask_2[1] & (byte_bank_1 == 2'd3)), (mask_2[0] & (byte_bank_0 == 2'd3))};
    wire [3:0] byte_choice_0_next_1 = {(byte_bank_0_late_4 == 2'd3), (byte_bank_0_late_4 == 2'd2),
        (byte_bank_0_late_4 == 2'd1), (byte_bank_0_late_4 == 2'd0)};
    wire [7:0] byte_0_1_0_next_1 = ({8{byte_choice_0[0]}} & feature_data[7:0]) | ({8{byte_choice_0[1]}} &
        feature_data[15:8]);
    wire [7:0] byte_0_1_1_next_1 = ({8{byte_choice_0[2]}} & feature_data[23:16]) | ({8{byte_choice_0[3]}} &
        feature_data[31:24]);
    wire [3:0] byte_choice_1_next_1 = {(byte_bank_1_late_4 == 2'd3), (byte_bank_1_late_4 == 2'd2),
        (byte_bank_1_late_4 == 2'd1), (byte_bank_1_late_4 == 2'd0)};
    wire [7:0] byte_1_1_0_next_1 = ({8{byte_choice_1[0]}} & feature_data[7:0]) | ({8{byte_choice_1[1]}} &
        feature_data[15:8]);
    wire [7:0] byte_1_1_1_next_1 = ({8{byte_choice_1[2]}} & feature_data[23:16]) | ({8{byte_choice_1[3]}} &
        feature_data[31:24]);
    wire [3:0] byte_choice_2_next_1 = {(byte_bank_2_late_4 == 2'd3), (byte_bank_2_late_4 == 2'd2),
        (byte_bank_2_late_4 == 2'd1), (byte_bank_2_late_4 == 2'd0)};
    wire [7:0] byte_2_1_0_next_1 = ({8{byte_choice_2[0]}} & feature_data[7:0]) | ({8{byte_choice_2[1]}} &
        feature_data[15:8]);
    wire [7:0] byte_2_1_1_next_1 = ({8{byte_choice_2[2]}} & feature_data[23:16]) | ({8{byte_choice_2[3]}} &
        feature_data[31:24]);
    wire [3:0] byte_choice_3_next_1 = {(byte_bank_3_late_4 == 2'd3), (byte_bank_3_late_4 == 2'd2),
        (byte_bank_3_late_4 == 2'd1), (byte_bank_3_late_4 == 2'd0)};
    wire [7:0] byte_3_1_0_next_1 = ({8{byte_choice_3[0]}} & feature_data[7:0]) | ({8{byte_choice_3[1]}} &
        feature_data[15:8]);
    wire [7:0] byte_3_1_1_next_1 = ({8{byte_choice_3[2]}} & feature_data[23:16]) | ({8{byte_choice_3[3]}} &
        feature_data[31:24]);
    wire slot_address_0_enable_1 = take & (~take_slot);
    wire slot_address_1_enable_1 = take & take_slot;
    wire [4:0] slot_last_beat_0_next_1 = walk_beats - 5'd1;
    assign request = ((|complete) & (~was_granted));
    assign address = (request_slot ? slot_address_1 : slot_address_0);
    assign beats = (request_slot ? slot_beats_1 : slot_beats_0);
    assign done = done_r;
    assign illegal = illegal_r;
    assign row = {bank_row_3, bank_row_2, bank_row_1, bank_row_0};
    assign enable = {bank_enable_3, bank_enable_2, bank_enable_1, bank_enable_0};
    assign wvalid = sending;
    assign wdata = slots_read_data[31:0];
    assign wstrb = slots_read_data[35:32];
    assign wlast = is_last;
    transfer_walk walk (
        .clock(clock),
        .start(start),
        .advance(take),
        .instruction(instruction),
        .base(base),
        .reset(reset),
        .valid(walk_valid),
        .address(walk_address),
        .beats(walk_beats),
        .head(walk_head),
        .ends(walk_ends),
        .line_first(walk_line_first),
        .row(walk_row),
        .bank(walk_bank),
        .last(walk_last)
    );
    ram_32x36 slots (
        .clock(clock),
        .write_enable(written[1]),
        .write_address({write_slot, write_beat}),
        .write_data({strobes_late_7, {byte_3, byte_2, byte_1, byte_0}}),
        .read_address({send_slot_next, send_beat_next}),
        .read_data(slots_read_data)
    );
    always @(posedge clock) begin
        beats_left <= (beats_now - 5'd1);
        ends_left <= (ends - 7'd4);
        if (step) beat_row <= (fresh ? walk_row[14:0] : (beat_row + {14'd0, carry_after}));
        if (step) bank_after <= bank_now;
        if (step) carry_after <= 1'd1;
        beat_bank <= bank_now;
        mask_1 <= (mask_1_next_1 & {4{step}});
        byte_bank_0 <= byte_bank_0_next_3;
        byte_bank_1 <= byte_bank_1_next_3;
        byte_bank_2 <= byte_bank_2_next_3;
        byte_bank_3 <= byte_bank_3_next_3;
        mask_2 <= mask_1;
        row_2 <= beat_row;
        row_2_plus_1 <= (beat_row + 15'd1);
        bank_2 <= beat_bank;
        bank_enable_0 <= (|bank_enable_0_next_1);
        bank_row_0 <= ((2'd0 < bank_2) ? row_2_plus_1 : row_2);
        bank_enable_1 <= (|bank_enable_1_next_1);
        bank_row_1 <= ((2'd1 < bank_2) ? row_2_plus_1 : row_2);
        bank_enable_2 <= (|bank_enable_2_next_1);
        bank_row_2 <= ((2'd2 < bank_2) ? row_2_plus_1 : row_2);
        bank_enable_3 <= (|bank_enable_3_next_1);
        bank_row_3 <= row_2;
        byte_bank_0_late_1 <= byte_bank_0;
        byte_bank_0_late_2 <= byte_bank_0_late_1;
        byte_bank_0_late_3 <= byte_bank_0_late_2;
        byte_bank_0_late_4 <= byte_bank_0_late_3;
        byte_choice_0 <= byte_choice_0_next_1;
        byte_0_1_0 <= byte_0_1_0_next_1;
        byte_0_1_1 <= byte_0_1_1_next_1;
        byte_0_2_0 <= (byte_0_1_0 | byte_0_1_1);
        byte_bank_1_late_1 <= byte_bank_1;
        byte_bank_1_late_2 <= byte_bank_1_late_1;
        byte_bank_1_late_3 <= byte_bank_1_late_2;
        byte_bank_1_late_4 <= byte_bank_1_late_3;
        byte_choice_1 <= byte_choice_1_next_1;
        byte_1_1_0 <= byte_1_1_0_next_1;
        byte_1_1_1 <= byte_1_1_1_next_1;
        byte_1_2_0 <= (byte_1_1_0 | byte_1_1_1);
        byte_bank_2_late_1 <= byte_bank_2;
        byte_bank_2_late_2 <= byte_bank_2_late_1;
        byte_bank_2_late_3 <= byte_bank_2_late_2;
        byte_bank_2_late_4 <= byte_bank_2_late_3;
        byte_choice_2 <= byte_choice_2_next_1;
        byte_2_1_0 <= byte_2_1_0_next_1;
        byte_2_1_1 <= byte_2_1_1_next_1;
        byte_2_2_0 <= (byte_2_1_0 | byte_2_1_1);
        byte_bank_3_late_1 <= byte_bank_3;
        byte_bank_3_late_2 <= byte_bank_3_late_1;
        byte_bank_3_late_3 <= byte_bank_3_late_2;
        byte_bank_3_late_4 <= byte_bank_3_late_3;
        byte_choice_3 <= byte_choice_3_next_1;
        byte_3_1_0 <= byte_3_1_0_next_1;
        byte_3_1_1 <= byte_3_1_1_next_1;
        byte_3_2_0 <= (byte_3_1_0 | byte_3_1_1);
        strobes_late_1 <= mask_2;
        strobes_late_2 <= strobes_late_1;
        strobes_late_3 <= strobes_late_2;
        strobes_late_4 <= strobes_late_3;
        strobes_late_5 <= strobes_late_4;
        strobes_late_6 <= strobes_late_5;
        strobes_late_7 <= strobes_late_6;
        marks_late_1 <= {step, last_beat};
        marks_late_2 <= marks_late_1;
        marks_late_3 <= marks_late_2;
        marks_late_4 <= marks_late_3;
        marks_late_5 <= marks_late_4;
        marks_late_6 <= marks_late_5;
        marks_late_7 <= marks_late_6;
        marks_late_8 <= marks_late_7;
        written <= marks_late_8;
        if (slot_address_0_enable_1) slot_address_0 <= walk_address;
        if (slot_address_1_enable_1) slot_address_1 <= walk_address;
        if (slot_address_0_enable_1) slot_beats_0 <= walk_beats;
        if (slot_address_1_enable_1) slot_beats_1 <= walk_beats;
        if (slot_address_0_enable_1) slot_last_beat_0 <= slot_last_beat_0_next_1[3:0];
        if (slot_address_1_enable_1) slot_last_beat_1 <= slot_last_beat_0_next_1[3:0];
        illegal_r <= (start & (~(instruction_memory == 3'd0)));
        if (reset) begin
            slots_used <= 2'd0;
            responses_left <= 5'd0;
            middle_of_burst <= 1'd0;
            pause <= 1'd0;
            all_taken <= 1'd0;
            write_slot <= 1'd0;
            write_beat <= 4'd0;
            send_slot <= 1'd0;
            send_beat <= 4'd0;
            take_slot <= 1'd0;
            complete <= 2'd0;
            was_granted <= 1'd0;
            request_slot <= 1'd0;
            armed <= 2'd0;
            done_r <= 1'd0;
        end else begin
            slots_used <= ((slots_used + {1'd0, take}) - {1'd0, slot_sent});
            responses_left <= (responses_left + ({4'd0, take} - {4'd0, bvalid}));
            middle_of_burst <= (step & (~last_beat));
            pause <= last_beat;
            all_taken <= ((take & walk_last) | (all_taken & (~done_r)));
            if (written[0]) write_slot <= (~write_slot);
            if (written[1]) write_beat <= (written[0] ? 4'd0 : (write_beat + 4'd1));
            send_slot <= send_slot_next;
            send_beat <= send_beat_next;
            if (take) take_slot <= (~take_slot);
            complete <= ((complete + {1'd0, marks_late_8[0]}) - {1'd0, grant});
            was_granted <= grant;
            if (grant) request_slot <= (~request_slot);
            armed <= ((armed + {1'd0, was_granted}) - {1'd0, slot_sent});
            done_r <= ((all_taken & (~(|responses_left))) & (~done_r));
        end
    end
endmodule

// Groups, tiles and steps of an instruction.
module compute_stepper(
    clock, issue, instruction, reset, group_start, group_end, last_group, op_end, valid, first,
    last, level, slot_less_1
);
    input wire clock;
    input wire issue;
    input wire [1023:0] instruction;
    input wire reset;
    output wire group_start;
    output wire group_end;
    output wire last_group;
    output wire op_end;
    output wire valid;
    output wire first;
    output wire last;
    output wire [1:0] level;
    output wire [5:0] slot_less_1;
    // Fields in use.
    wire [15:0] instruction_groups_less_1 = instruction[50:35];
    wire [15:0] instruction_tiles_less_1 = instruction[66:51];
    wire [5:0] instruction_columns_less_1 = instruction[79:74];
    wire [15:0] instruction_step0_count_less_1 = instruction[140:125];
    wire [15:0] instruction_step1_count_less_1 = instruction[206:191];
    wire [15:0] instruction_step2_count_less_1 = instruction[272:257];
    wire instruction_operand_on = instruction[589];
    wire [5:0] instruction_operand_segments_less_1 = instruction[756:751];
    wire [5:0] instruction_output_segments_less_1 = instruction[969:964];
    // S - 1: the largest of three.
    reg [5:0] segments = 6'd0;
    reg [5:0] slot_less_1_r = 6'd0;
    reg pending = 1'd0;
    // Steps: three nested loops, the innermost first.
    reg valid_r = 1'd0;
    reg step_0_zero = 1'd0;
    wire loop_end = valid_r & step_0_zero;
    reg step_1_zero = 1'd0;
    wire loop_end_n2 = loop_end & step_1_zero;
    reg step_2_zero = 1'd0;
    wire loop_end_n3 = loop_end_n2 & step_2_zero;
    // Columns of the drain, as many as the instruction's, whatever the group.
    reg draining = 1'd0;
    reg cycle_zero = 1'd0;
    wire column_end = draining & cycle_zero;
    reg column_zero = 1'd0;
    wire drain_end = column_end & column_zero;
    wire begin_tile_1 = (pending & (loop_end_n3 | (~valid_r))) & (drain_end | (~draining));
    // The walk of the next tile's lanes; the first walk begins with the issue.
    reg walking = 1'd0;
    reg walk_zero = 1'd0;
    wire walk_end = walking & walk_zero;
    // Tiles: these describe the tile that begins next.
    wire begin_tile = begin_tile_1 & (walk_end | (~walking));
    reg [15:0] tile_left = 16'd0;
    reg [15:0] group_left = 16'd0;
    reg tile_zero = 1'd0;
    reg group_zero = 1'd0;
    reg starts_group = 1'd0;
    reg group_start_r = 1'd0;
    reg group_end_r = 1'd0;
    reg last_group_r = 1'd0;
    reg op_end_r = 1'd0;
    reg [15:0] step_0 = 16'd0;
    reg [15:0] step_1 = 16'd0;
    reg [15:0] step_2 = 16'd0;
    reg first_r = 1'd0;
    reg [1:0] level_r = 2'd0;
    reg [5:0] cycle = 6'd0;
    reg [5:0] column = 6'd0;
    reg [2:0] walk = 3'd0;
    wire [5:0] segments_next_1 = {6{instruction_operand_on}} & instruction_operand_segments_less_1;
    wire [5:0] segments_next_2 = (instruction_output_segments_less_1 < segments_next_1) ? segments_next_1 :
        instruction_output_segments_less_1;
    wire group_left_enable_1 = issue | (begin_tile & tile_zero);
    wire [15:0] tile_left_next_1 = group_left_enable_1 ? instruction_tiles_less_1 : (tile_left - 16'd1);
    wire step_0_zero_next_1 = begin_tile | loop_end;
    wire [15:0] step_0_next_1 = step_0_zero_next_1 ? instruction_step0_count_less_1 : (step_0 - 16'd1);
    wire step_0_enable_1 = step_0_zero_next_1 | valid_r;
    wire step_0_zero_next_2 = step_0_zero_next_1 ? (~(|instruction_step0_count_less_1)) : (step_0 == 16'd1);
    wire step_1_zero_next_1 = begin_tile | loop_end_n2;
    wire [15:0] step_1_next_1 = step_1_zero_next_1 ? instruction_step1_count_less_1 : (step_1 - 16'd1);
    wire step_1_enable_1 = step_1_zero_next_1 | loop_end;
    wire step_1_zero_next_2 = step_1_zero_next_1 ? (~(|instruction_step1_count_less_1)) : (step_1 == 16'd1);
    wire step_2_zero_next_1 = begin_tile | loop_end_n3;
    wire [15:0] step_2_next_1 = step_2_zero_next_1 ? instruction_step2_count_less_1 : (step_2 - 16'd1);
    wire step_2_enable_1 = step_2_zero_next_1 | loop_end_n2;
    wire step_2_zero_next_2 = step_2_zero_next_1 ? (~(|instruction_step2_count_less_1)) : (step_2 == 16'd1);
    wire cycle_zero_next_1 = begin_tile | column_end;
    wire cycle_enable_1 = cycle_zero_next_1 | draining;
    wire column_enable_1 = begin_tile | column_end;
    wire column_zero_next_1 = begin_tile ? (~(|instruction_columns_less_1)) : (column == 6'd1);
    wire walk_zero_next_1 = issue | begin_tile;
    wire [2:0] walk_zero_next_2 = issue ? 3'd3 : 3'd6;
    wire walk_enable_1 = walk_zero_next_1 | walking;
    assign group_start = group_start_r;
    assign group_end = group_end_r;
    assign last_group = last_group_r;
    assign op_end = op_end_r;
    assign valid = valid_r;
    assign first = first_r;
    assign last = loop_end_n3;
    assign level = level_r;
    assign slot_less_1 = slot_less_1_r;
    always @(posedge clock) begin
        segments <= segments_next_2;
        slot_less_1_r <= ((6'd1 < segments) ? segments : 6'd1);
        if ((issue | begin_tile)) tile_left <= tile_left_next_1;
        if (group_left_enable_1) group_left <= (issue ? instruction_groups_less_1 : (group_left - 16'd1));
        tile_zero <= (~(|tile_left));
        group_zero <= (~(|group_left));
        if ((issue | begin_tile)) starts_group <= group_left_enable_1;
        if (begin_tile) group_start_r <= starts_group;
        if (begin_tile) group_end_r <= tile_zero;
        if (begin_tile) last_group_r <= group_zero;
        if (begin_tile) op_end_r <= (tile_zero & group_zero);
        if (step_0_enable_1) step_0 <= step_0_next_1;
        if (step_0_enable_1) step_0_zero <= step_0_zero_next_2;
        if (step_1_enable_1) step_1 <= step_1_next_1;
        if (step_1_enable_1) step_1_zero <= step_1_zero_next_2;
        if (step_2_enable_1) step_2 <= step_2_next_1;
        if (step_2_enable_1) step_2_zero <= step_2_zero_next_2;
        first_r <= begin_tile;
        level_r <= {loop_end_n2, (loop_end & (~loop_end_n2))};
        if (cycle_enable_1) cycle <= (cycle_zero_next_1 ? slot_less_1_r : (cycle - 6'd1));
        if (cycle_enable_1) cycle_zero <= (cycle_zero_next_1 ? (~(|slot_less_1_r)) : (cycle == 6'd1));
        if (column_enable_1) column <= (begin_tile ? instruction_columns_less_1 : (column - 6'd1));
        if (column_enable_1) column_zero <= column_zero_next_1;
        if (walk_enable_1) walk <= (walk_zero_next_1 ? walk_zero_next_2 : (walk - 3'd1));
        if (walk_enable_1) walk_zero <= (walk_zero_next_1 ? (~(|walk_zero_next_2)) : (walk == 3'd1));
        if (reset) begin
            pending <= 1'd0;
            valid_r <= 1'd0;
            draining <= 1'd0;
            walking <= 1'd0;
        end else begin
            if ((issue | ((begin_tile & tile_zero) & group_zero))) pending <= issue;
            valid_r <= (begin_tile | (valid_r & (~loop_end_n3)));
            draining <= (begin_tile | ((draining & (~drain_end)) & (~issue)));
            walking <= ((issue | begin_tile) | (walking & (~walk_end)));
        end
    end
endmodule

// Pixels of the next tile, one lane a cycle.
module input_walker(clock, issue, start, restart, instruction, reset, push, row, bank, valid, y, x);
    input wire clock;
    input wire issue;
    input wire start;
    input wire restart;
    input wire [1023:0] instruction;
    input wire reset;
    output wire push;
    output wire [14:0] row;
    output wire [1:0] bank;
    output wire valid;
    output wire [13:0] y;
    output wire [13:0] x;
    // Fields in use.
    wire [5:0] instruction_lanes_less_1 = instruction[72:67];
    wire instruction_line_stop = instruction[73];
    wire [12:0] instruction_width_less_1 = instruction[105:93];
    wire [12:0] instruction_lines = instruction[118:106];
    wire [5:0] instruction_line_step = instruction[124:119];
    wire [15:0] instruction_input_base_row = instruction[338:323];
    wire [5:0] instruction_input_base_bank = instruction[344:339];
    wire [15:0] instruction_input_group_row = instruction[360:345];
    wire [5:0] instruction_input_group_bank = instruction[366:361];
    wire [15:0] instruction_input_pixel_row = instruction[382:367];
    wire [5:0] instruction_input_pixel_bank = instruction[388:383];
    wire [15:0] instruction_input_wrap_row = instruction[404:389];
    wire [5:0] instruction_input_wrap_bank = instruction[410:405];
    wire [13:0] instruction_input_y0 = instruction[453:440];
    wire [13:0] instruction_input_x0 = instruction[467:454];
    wire [9:0] instruction_input_y_step = instruction[477:468];
    wire [5:0] instruction_input_x_step = instruction[483:478];
    // Stage 0: which lanes take a pixel, and where lines end.
    wire go = issue | start;
    wire rewind = issue | (start & restart);
    reg active = 1'd0;
    reg [1:0] count = 2'd0;
    reg count_zero = 1'd0;
    reg [5:0] lane_left = 6'd0;
    reg lane_zero = 1'd0;
    reg in_tile = 1'd0;
    reg stopped = 1'd0;
    wire take = (active & in_tile) & (~stopped);
    reg [12:0] x_left = 13'd0;
    reg line_end = 1'd0;
    wire new_line = rewind | (take & line_end);
    // Addresses of the group that is walked next.
    reg [1:0] group_step = 2'd0;
    reg [3:0] group_less = 4'd0;
    reg [1:0] group_bank = 2'd0;
    reg [14:0] group_row = 15'd0;
    reg [1:0] next_bank = 2'd0;
    reg next_carry = 1'd0;
    reg [14:0] next_row = 15'd0;
    wire [1:0] first_bank = issue ? instruction_input_base_bank[1:0] : next_bank;
    wire [14:0] first_row = issue ? instruction_input_base_row[14:0] : next_row;
    // Stage 1: bank and line.
    reg [3:0] pixel_less = 4'd0;
    reg [3:0] wrap_less = 4'd0;
    reg [1:0] step_1 = 2'd0;
    reg [3:0] less_1 = 4'd0;
    reg [14:0] row_step_1 = 15'd0;
    // The walk behind the last tile of an instruction may still be under way when the next is issued.
    reg push_1 = 1'd0;
    reg take_1 = 1'd0;
    reg line_1 = 1'd0;
    reg [1:0] bank_1 = 2'd0;
    reg [14:0] remaining = 15'd0;
    // Stage 2: row and coordinates.
    reg carry_2 = 1'd0;
    reg [14:0] row_step_2 = 15'd0;
    reg push_2 = 1'd0;
    reg take_2 = 1'd0;
    reg [1:0] bank_2 = 2'd0;
    reg [14:0] row_2 = 15'd0;
    reg some_2 = 1'd0;
    reg line_2 = 1'd0;
    reg [13:0] y_2 = 14'd0;
    reg [13:0] x_2 = 14'd0;
    wire fresh = rewind | line_2;
    wire stopped_next_1 = (~go) & (stopped | ((take & line_end) & instruction_line_stop));
    wire line_end_next_1 = new_line ? (~(|instruction_width_less_1)) : (x_left == 13'd1);
    wire [3:0] next_bank_next_1 = {2'd0, group_bank} + group_less;
    wire [2:0] next_bank_next_2 = {1'd0, group_bank} + {1'd0, group_step};
    wire [1:0] next_bank_next_3 = next_bank_next_1[3] ? next_bank_next_2[1:0] : next_bank_next_1[1:0];
    wire [15:0] next_row_next_1 = {group_row, next_carry} + {instruction_input_group_row[14:0], next_carry};
    wire [1:0] step_1_next_1 = line_end ? instruction_input_wrap_bank[1:0] : instruction_input_pixel_bank[1:0];
    wire [14:0] row_step_1_next_1 = line_end ? instruction_input_wrap_row[14:0] : instruction_input_pixel_row[14:0];
    wire [3:0] bank_1_next_1 = {2'd0, bank_1} + less_1;
    wire [2:0] bank_1_next_2 = {1'd0, bank_1} + {1'd0, step_1};
    wire [1:0] bank_1_next_3 = rewind ? first_bank : (bank_1_next_1[3] ? bank_1_next_2[1:0] : bank_1_next_1[1:0]);
    wire [14:0] remaining_next_1 = rewind ? {2'd0, instruction_lines} : (remaining - {9'd0, instruction_line_step});
    wire [15:0] row_2_next_1 = {row_2, carry_2} + {row_step_2, carry_2};
    wire [13:0] y_2_next_1 = rewind ? instruction_input_y0 : (y_2 + {4'd0, instruction_input_y_step});
    wire [13:0] x_2_next_1 = fresh ? instruction_input_x0 : (x_2 + {8'd0, instruction_input_x_step});
    assign push = push_2;
    assign row = row_2;
    assign bank = bank_2;
    assign valid = some_2;
    assign y = y_2;
    assign x = x_2;
    always @(posedge clock) begin
        count <= (go ? 2'd3 : (count - 2'd1));
        count_zero <= ((~go) & (count == 2'd1));
        lane_left <= (go ? instruction_lanes_less_1 : (lane_left - 6'd1));
        lane_zero <= (go ? (~(|instruction_lanes_less_1)) : (lane_left == 6'd1));
        in_tile <= (go | (in_tile & (~lane_zero)));
        stopped <= stopped_next_1;
        if ((rewind | take)) x_left <= (new_line ? instruction_width_less_1 : (x_left - 13'd1));
        if ((rewind | take)) line_end <= line_end_next_1;
        group_step <= instruction_input_group_bank[1:0];
        group_less <= ({2'd0, instruction_input_group_bank[1:0]} - 4'd4);
        if (rewind) group_bank <= first_bank;
        if (rewind) group_row <= first_row;
        next_bank <= next_bank_next_3;
        next_carry <= (~next_bank_next_1[3]);
        next_row <= next_row_next_1[15:1];
        pixel_less <= ({2'd0, instruction_input_pixel_bank[1:0]} - 4'd4);
        wrap_less <= ({2'd0, instruction_input_wrap_bank[1:0]} - 4'd4);
        step_1 <= step_1_next_1;
        less_1 <= (line_end ? wrap_less : pixel_less);
        row_step_1 <= row_step_1_next_1;
        push_1 <= (active & (~issue));
        take_1 <= (take & (~issue));
        line_1 <= ((take & line_end) & (~issue));
        if ((rewind | take_1)) bank_1 <= bank_1_next_3;
        if ((rewind | line_1)) remaining <= remaining_next_1;
        carry_2 <= (~bank_1_next_1[3]);
        row_step_2 <= row_step_1;
        push_2 <= (push_1 & (~issue));
        take_2 <= (take_1 & (~issue));
        bank_2 <= bank_1;
        if ((rewind | take_2)) row_2 <= (rewind ? first_row : row_2_next_1[15:1]);
        some_2 <= ((take_1 & (~remaining[14])) & (|remaining));
        line_2 <= (line_1 & (~issue));
        if ((rewind | line_2)) y_2 <= y_2_next_1;
        if ((rewind | take_2)) x_2 <= x_2_next_1;
        if (reset) begin
            active <= 1'd0;
        end else begin
            active <= (go | (active & (~count_zero)));
        end
    end
endmodule

// Lanes of the next tile (shifted in) and of the present one.
module input_chain(clock, push, state, load, present);
    input wire clock;
    input wire push;
    input wire [45:0] state;
    input wire load;
    output wire [183:0] present;
    reg [183:0] next = 184'h0;
    reg [183:0] held = 184'h0;
    assign present = held;
    always @(posedge clock) begin
        if (push) next <= {state, next[183:46]};
        if (load) held <= next;
    end
endmodule

// Sum of address steps as row and bank, three cycles after them.
module offset(clock, advance, first, row, bank, sum_row, sum_bank, sum_less);
    input wire clock;
    input wire advance;
    input wire first;
    input wire [14:0] row;
    input wire [1:0] bank;
    output wire [14:0] sum_row;
    output wire [1:0] sum_bank;
    output wire [3:0] sum_less;
    reg advance_1 = 1'd0;
    reg first_1 = 1'd0;
    reg [14:0] row_1 = 15'd0;
    reg [1:0] bank_1 = 2'd0;
    reg [3:0] less_1 = 4'd0;
    reg [1:0] bank_2 = 2'd0;
    reg carry_2 = 1'd0;
    reg advance_2 = 1'd0;
    reg first_2 = 1'd0;
    reg [14:0] row_2 = 15'd0;
    reg [1:0] bank_3 = 2'd0;
    reg [3:0] less_3 = 4'd0;
    reg [14:0] row_3 = 15'd0;
    wire [3:0] bank_2_next_1 = {2'd0, bank_2} + less_1;
    wire [2:0] bank_2_next_2 = {1'd0, bank_2} + {1'd0, bank_1};
    wire [1:0] bank_2_next_3 = first_1 ? 2'd0 : (bank_2_next_1[3] ? bank_2_next_2[1:0] : bank_2_next_1[1:0]);
    wire [15:0] row_3_next_1 = {row_3, carry_2} + {row_2, carry_2};
    assign sum_row = row_3;
    assign sum_bank = bank_3;
    assign sum_less = less_3;
    always @(posedge clock) begin
        advance_1 <= advance;
        first_1 <= first;
        row_1 <= row;
        bank_1 <= bank;
        less_1 <= ({2'd0, bank} - 4'd4);
        if (advance_1) bank_2 <= bank_2_next_3;
        carry_2 <= (~bank_2_next_1[3]);
        advance_2 <= advance_1;
        first_2 <= first_1;
        row_2 <= row_1;
        bank_3 <= bank_2;
        less_3 <= ({2'd0, bank_2} - 4'd4);
        if (advance_2) row_3 <= (first_2 ? 15'd0 : row_3_next_1[15:1]);
    end
endmodule

// Address of one lane, 3 cycles after its parts.
module input_address(
    clock, state, live, offset_row, offset_bank, offset_less, ring_less, offset_y, offset_x, height,
    width, ring_line, row, bank, enable
);
    input wire clock;
    input wire [45:0] state;
    input wire live;
    input wire [14:0] offset_row;
    input wire [1:0] offset_bank;
    input wire [3:0] offset_less;
    input wire [14:0] ring_less;
    input wire [13:0] offset_y;
    input wire [13:0] offset_x;
    input wire [12:0] height;
    input wire [12:0] width;
    input wire [12:0] ring_line;
    output wire [14:0] row;
    output wire [1:0] bank;
    output wire enable;
    wire [1:0] own_bank = state[1:0];
    wire [14:0] own_row = state[16:2];
    wire own_valid = state[17];
    wire [13:0] own_y = state[31:18];
    wire [13:0] own_x = state[45:32];
    // Stage 1: sums.
    reg [1:0] bank_1 = 2'd0;
    reg carry_1 = 1'd0;
    reg [14:0] row_1 = 15'd0;
    reg live_1 = 1'd0;
    reg [13:0] y_1 = 14'd0;
    reg [13:0] x_1 = 14'd0;
    // Stage 2: comparisons.
    reg [1:0] bank_2 = 2'd0;
    reg carry_2 = 1'd0;
    reg [14:0] row_2 = 15'd0;
    reg inside_2 = 1'd0;
    reg column_2 = 1'd0;
    reg live_2 = 1'd0;
    reg wrap_2 = 1'd0;
    // Last stage: carry and ring.
    reg [14:0] row_r = 15'd0;
    reg [1:0] bank_r = 2'd0;
    reg enable_r = 1'd0;
    wire [3:0] bank_1_next_1 = {2'd0, own_bank} + offset_less;
    wire [2:0] bank_1_next_2 = {1'd0, own_bank} + {1'd0, offset_bank};
    wire [15:0] row_r_next_1 = {row_2, carry_2} + {({15{wrap_2}} & ring_less), carry_2};
    assign row = row_r;
    assign bank = bank_r;
    assign enable = enable_r;
    always @(posedge clock) begin
        bank_1 <= (bank_1_next_1[3] ? bank_1_next_2[1:0] : bank_1_next_1[1:0]);
        carry_1 <= (~bank_1_next_1[3]);
        row_1 <= (own_row + offset_row);
        live_1 <= (live & own_valid);
        y_1 <= (own_y + offset_y);
        x_1 <= (own_x + offset_x);
        bank_2 <= bank_1;
        carry_2 <= carry_1;
        row_2 <= row_1;
        inside_2 <= (y_1 < {1'd0, height});
        column_2 <= (x_1 < {1'd0, width});
        live_2 <= live_1;
        wrap_2 <= (~(y_1 < {1'd0, ring_line}));
        row_r <= row_r_next_1[15:1];
        bank_r <= bank_2;
        enable_r <= ((live_2 & column_2) & inside_2);
    end
endmodule

// Addresses of all lanes.
module input_lanes(
    clock, present, live, offset_row, offset_bank, offset_less, ring_less, offset_y, offset_x,
    height, width, ring_line, row, bank, enable
);
    input wire clock;
    input wire [183:0] present;
    input wire live;
    input wire [14:0] offset_row;
    input wire [1:0] offset_bank;
    input wire [3:0] offset_less;
    input wire [14:0] ring_less;
    input wire [13:0] offset_y;
    input wire [13:0] offset_x;
    input wire [12:0] height;
    input wire [12:0] width;
    input wire [12:0] ring_line;
    output wire [59:0] row;
    output wire [7:0] bank;
    output wire [3:0] enable;
    wire [14:0] lane_0_row;
    wire [1:0] lane_0_bank;
    wire lane_0_enable;
    wire [14:0] lane_1_row;
    wire [1:0] lane_1_bank;
    wire lane_1_enable;
    wire [14:0] lane_2_row;
    wire [1:0] lane_2_bank;
    wire lane_2_enable;
    wire [14:0] lane_3_row;
    wire [1:0] lane_3_bank;
    wire lane_3_enable;
    assign row = {lane_3_row, lane_2_row, lane_1_row, lane_0_row};
    assign bank = {lane_3_bank, lane_2_bank, lane_1_bank, lane_0_bank};
    assign enable = {lane_3_enable, lane_2_enable, lane_1_enable, lane_0_enable};
    // Lane 0.
    input_address lane_0 (
        .clock(clock),
        .state(present[45:0]),
        .live(live),
        .offset_row(offset_row),
        .offset_bank(offset_bank),
        .offset_less(offset_less),
        .ring_less(ring_less),
        .offset_y(offset_y),
        .offset_x(offset_x),
        .height(height),
        .width(width),
        .ring_line(ring_line),
        .row(lane_0_row),
        .bank(lane_0_bank),
        .enable(lane_0_enable)
    );
    // Lane 1.
    input_address lane_1 (
        .clock(clock),
        .state(present[91:46]),
        .live(live),
        .offset_row(offset_row),
        .offset_bank(offset_bank),
        .offset_less(offset_less),
        .ring_less(ring_less),
        .offset_y(offset_y),
        .offset_x(offset_x),
        .height(height),
        .width(width),
        .ring_line(ring_line),
        .row(lane_1_row),
        .bank(lane_1_bank),
        .enable(lane_1_enable)
    );
    // Lane 2.
    input_address lane_2 (
        .clock(clock),
        .state(present[137:92]),
        .live(live),
        .offset_row(offset_row),
        .offset_bank(offset_bank),
        .offset_less(offset_less),
        .ring_less(ring_less),
        .offset_y(offset_y),
        .offset_x(offset_x),
        .height(height),
        .width(width),
        .ring_line(ring_line),
        .row(lane_2_row),
        .bank(lane_2_bank),
        .enable(lane_2_enable)
    );
    // Lane 3.
    input_address lane_3 (
        .clock(clock),
        .state(present[183:138]),
        .live(live),
        .offset_row(offset_row),
        .offset_bank(offset_bank),
        .offset_less(offset_less),
        .ring_less(ring_less),
        .offset_y(offset_y),
        .offset_x(offset_x),
        .height(height),
        .width(width),
        .ring_line(ring_line),
        .row(lane_3_row),
        .bank(lane_3_bank),
        .enable(lane_3_enable)
    );
endmodule

// Crossbar from lanes to banks.
module read_crossbar(clock, bank, enable, value, bank_value, bank_enable);
    input wire clock;
    input wire [7:0] bank;
    input wire [3:0] enable;
    input wire [59:0] value;
    output wire [59:0] bank_value;
    output wire [3:0] bank_enable;
    reg [59:0] value_1 = 60'd0;
    // Bank 0: the lanes that want it, and their value.
    reg code_0 = 1'd0;
    reg code_0_n2 = 1'd0;
    wire [14:0] value_0_pair = code_0_n2 ? {15{code_0}} : (code_0 ? value_1[29:15] : value_1[14:0]);
    reg [14:0] value_0_s1 = 15'd0;
    reg [14:0] value_0_later_1 = 15'd0;
    reg any_0 = 1'd0;
    reg any_0_later_1 = 1'd0;
    reg any_0_later_2 = 1'd0;
    // Bank 1: the lanes that want it, and their value.
    reg code_1 = 1'd0;
    reg code_1_n2 = 1'd0;
    wire [14:0] value_1_pair = code_1_n2 ? {15{code_1}} : (code_1 ? value_1[29:15] : value_1[14:0]);
    reg [14:0] value_1_s1 = 15'd0;
    reg [14:0] value_1_later_1 = 15'd0;
    reg any_1 = 1'd0;
    reg any_1_later_1 = 1'd0;
    reg any_1_later_2 = 1'd0;
    // Bank 2: the lanes that want it, and their value.
    reg code_2 = 1'd0;
    reg code_2_n2 = 1'd0;
    wire [14:0] value_2_pair = code_2_n2 ? {15{code_2}} : (code_2 ? value_1[29:15] : value_1[14:0]);
    reg [14:0] value_2_s1 = 15'd0;
    reg [14:0] value_2_later_1 = 15'd0;
    reg any_2 = 1'd0;
    reg any_2_later_1 = 1'd0;
    reg any_2_later_2 = 1'd0;
    // Bank 3: the lanes that want it, and their value.
    reg code_3 = 1'd0;
    reg code_3_n2 = 1'd0;
    wire [14:0] value_3_pair = code_3_n2 ? {15{code_3}} : (code_3 ? value_1[29:15] : value_1[14:0]);
    reg [14:0] value_3_s1 = 15'd0;
    reg [14:0] value_3_later_1 = 15'd0;
    reg any_3 = 1'd0;
    reg any_3_later_1 = 1'd0;
    reg any_3_later_2 = 1'd0;
    wire any_0_next_1 = enable[3] & (bank[7:6] == 2'd0);
    wire any_0_next_2 = enable[1] & (bank[3:2] == 2'd0);
    wire any_0_next_3 = enable[2] & (bank[5:4] == 2'd0);
    wire [14:0] value_0_s1_next_1 = (value_0_pair & value_1[59:45]) | ((~value_0_pair) & value_1[44:30]);
    wire [3:0] any_0_next_4 = {any_0_next_1, any_0_next_3, any_0_next_2, (enable[0] & (bank[1:0] == 2'd0))};
    wire any_1_next_1 = enable[3] & (bank[7:6] == 2'd1);
    wire any_1_next_2 = enable[1] & (bank[3:2] == 2'd1);
    wire any_1_next_3 = enable[2] & (bank[5:4] == 2'd1);
    wire [14:0] value_1_s1_next_1 = (value_1_pair & value_1[59:45]) | ((~value_1_pair) & value_1[44:30]);
    wire [3:0] any_1_next_4 = {any_1_next_1, any_1_next_3, any_1_next_2, (enable[0] & (bank[1:0] == 2'd1))};
    wire any_2_next_1 = enable[3] & (bank[7:6] == 2'd2);
    wire any_2_next_2 = enable[1] & (bank[3:2] == 2'd2);
    wire any_2_next_3 = enable[2] & (bank[5:4] == 2'd2);
    wire [14:0] value_2_s1_next_1 = (value_2_pair & value_1[59:45]) | ((~value_2_pair) & value_1[44:30]);
    wire [3:0] any_2_next_4 = {any_2_next_1, any_2_next_3, any_2_next_2, (enable[0] & (bank[1:0] == 2'd2))};
    wire any_3_next_1 = enable[3] & (bank[7:6] == 2'd3);
    wire any_3_next_2 = enable[1] & (bank[3:2] == 2'd3);
    wire any_3_next_3 = enable[2] & (bank[5:4] == 2'd3);
    wire [14:0] value_3_s1_next_1 = (value_3_pair & value_1[59:45]) | ((~value_3_pair) & value_1[44:30]);
    wire [3:0] any_3_next_4 = {any_3_next_1, any_3_next_3, any_3_next_2, (enable[0] & (bank[1:0] == 2'd3))};
    wire [59:0] bank_value_1 = {value_3_later_1, value_2_later_1, value_1_later_1, value_0_later_1};
    assign bank_value = bank_value_1;
    assign bank_enable = {any_3_later_2, any_2_later_2, any_1_later_2, any_0_later_2};
    always @(posedge clock) begin
        value_1 <= value;
        code_0 <= (any_0_next_1 | (any_0_next_2 & (~any_0_next_3)));
        code_0_n2 <= (any_0_next_1 | any_0_next_3);
        value_0_s1 <= (code_0_n2 ? value_0_s1_next_1 : value_0_pair);
        value_0_later_1 <= value_0_s1;
        any_0 <= (|any_0_next_4);
        any_0_later_1 <= any_0;
        any_0_later_2 <= any_0_later_1;
        code_1 <= (any_1_next_1 | (any_1_next_2 & (~any_1_next_3)));
        code_1_n2 <= (any_1_next_1 | any_1_next_3);
        value_1_s1 <= (code_1_n2 ? value_1_s1_next_1 : value_1_pair);
        value_1_later_1 <= value_1_s1;
        any_1 <= (|any_1_next_4);
        any_1_later_1 <= any_1;
        any_1_later_2 <= any_1_later_1;
        code_2 <= (any_2_next_1 | (any_2_next_2 & (~any_2_next_3)));
        code_2_n2 <= (any_2_next_1 | any_2_next_3);
        value_2_s1 <= (code_2_n2 ? value_2_s1_next_1 : value_2_pair);
        value_2_later_1 <= value_2_s1;
        any_2 <= (|any_2_next_4);
        any_2_later_1 <= any_2;
        any_2_later_2 <= any_2_later_1;
        code_3 <= (any_3_next_1 | (any_3_next_2 & (~any_3_next_3)));
        code_3_n2 <= (any_3_next_1 | any_3_next_3);
        value_3_s1 <= (code_3_n2 ? value_3_s1_next_1 : value_3_pair);
        value_3_later_1 <= value_3_s1;
        any_3 <= (|any_3_next_4);
        any_3_later_1 <= any_3;
        any_3_later_2 <= any_3_later_1;
    end
endmodule

// Crossbar from banks to lanes.
module data_crossbar(clock, bank, enable, data, outside, pad, value);
    input wire clock;
    input wire [7:0] bank;
    input wire [3:0] enable;
    input wire [31:0] data;
    input wire [3:0] outside;
    input wire [7:0] pad;
    output wire [31:0] value;
    // Lane 0: the bank that it asked, and its byte.
    reg [3:0] hit_0 = 4'd0;
    reg outside_0 = 1'd0;
    reg [7:0] value_0_s1 = 8'd0;
    reg [7:0] value_0_s1_n2 = 8'd0;
    reg [7:0] value_0_s1_n3 = 8'd0;
    reg [7:0] value_0_s2 = 8'd0;
    // Lane 1: the bank that it asked, and its byte.
    reg [3:0] hit_1 = 4'd0;
    reg outside_1 = 1'd0;
    reg [7:0] value_1_s1 = 8'd0;
    reg [7:0] value_1_s1_n2 = 8'd0;
    reg [7:0] value_1_s1_n3 = 8'd0;
    reg [7:0] value_1_s2 = 8'd0;
    // Lane 2: the bank that it asked, and its byte.
    reg [3:0] hit_2 = 4'd0;
    reg outside_2 = 1'd0;
    reg [7:0] value_2_s1 = 8'd0;
    reg [7:0] value_2_s1_n2 = 8'd0;
    reg [7:0] value_2_s1_n3 = 8'd0;
    reg [7:0] value_2_s2 = 8'd0;
    // Lane 3: the bank that it asked, and its byte.
    reg [3:0] hit_3 = 4'd0;
    reg outside_3 = 1'd0;
    reg [7:0] value_3_s1 = 8'd0;
    reg [7:0] value_3_s1_n2 = 8'd0;
    reg [7:0] value_3_s1_n3 = 8'd0;
    reg [7:0] value_3_s2 = 8'd0;
    wire [3:0] hit_0_next_1 = {(enable[0] & (bank[1:0] == 2'd3)), (enable[0] & (bank[1:0] == 2'd2)), (enable[0] &
        (bank[1:0] == 2'd1)), (enable[0] & (bank[1:0] == 2'd0))};
    wire [7:0] value_0_s1_n2_next_1 = ({8{hit_0[2]}} & data[23:16]) | ({8{hit_0[3]}} & data[31:24]);
    wire [3:0] hit_1_next_1 = {(enable[1] & (bank[3:2] == 2'd3)), (enable[1] & (bank[3:2] == 2'd2)), (enable[1] &
        (bank[3:2] == 2'd1)), (enable[1] & (bank[3:2] == 2'd0))};
    wire [7:0] value_1_s1_n2_next_1 = ({8{hit_1[2]}} & data[23:16]) | ({8{hit_1[3]}} & data[31:24]);
    wire [3:0] hit_2_next_1 = {(enable[2] & (bank[5:4] == 2'd3)), (enable[2] & (bank[5:4] == 2'd2)), (enable[2] &
        (bank[5:4] == 2'd1)), (enable[2] & (bank[5:4] == 2'd0))};
    wire [7:0] value_2_s1_n2_next_1 = ({8{hit_2[2]}} & data[23:16]) | ({8{hit_2[3]}} & data[31:24]);
    wire [3:0] hit_3_next_1 = {(enable[3] & (bank[7:6] == 2'd3)), (enable[3] & (bank[7:6] == 2'd2)), (enable[3] &
        (bank[7:6] == 2'd1)), (enable[3] & (bank[7:6] == 2'd0))};
    wire [7:0] value_3_s1_n2_next_1 = ({8{hit_3[2]}} & data[23:16]) | ({8{hit_3[3]}} & data[31:24]);
    assign value = {value_3_s2, value_2_s2, value_1_s2, value_0_s2};
    always @(posedge clock) begin
        hit_0 <= hit_0_next_1;
        outside_0 <= outside[0];
        value_0_s1 <= (({8{hit_0[0]}} & data[7:0]) | ({8{hit_0[1]}} & data[15:8]));
        value_0_s1_n2 <= value_0_s1_n2_next_1;
        value_0_s1_n3 <= ({8{outside_0}} & pad);
        value_0_s2 <= ((value_0_s1 | value_0_s1_n2) | value_0_s1_n3);
        hit_1 <= hit_1_next_1;
        outside_1 <= outside[1];
        value_1_s1 <= (({8{hit_1[0]}} & data[7:0]) | ({8{hit_1[1]}} & data[15:8]));
        value_1_s1_n2 <= value_1_s1_n2_next_1;
        value_1_s1_n3 <= ({8{outside_1}} & pad);
        value_1_s2 <= ((value_1_s1 | value_1_s1_n2) | value_1_s1_n3);
        hit_2 <= hit_2_next_1;
        outside_2 <= outside[2];
        value_2_s1 <= (({8{hit_2[0]}} & data[7:0]) | ({8{hit_2[1]}} & data[15:8]));
        value_2_s1_n2 <= value_2_s1_n2_next_1;
        value_2_s1_n3 <= ({8{outside_2}} & pad);
        value_2_s2 <= ((value_2_s1 | value_2_s1_n2) | value_2_s1_n3);
        hit_3 <= hit_3_next_1;
        outside_3 <= outside[3];
        value_3_s1 <= (({8{hit_3[0]}} & data[7:0]) | ({8{hit_3[1]}} & data[15:8]));
        value_3_s1_n2 <= value_3_s1_n2_next_1;
        value_3_s1_n3 <= ({8{outside_3}} & pad);
        value_3_s2 <= ((value_3_s1 | value_3_s1_n2) | value_3_s1_n3);
    end
endmodule

// Reads one byte for each lane and step.
module compute_gather(
    clock, issue, instruction, valid, first, level, group_end, gather_data, reset, gather_row,
    gather_enable, high, value
);
    input wire clock;
    input wire issue;
    input wire [1023:0] instruction;
    input wire valid;
    input wire first;
    input wire [1:0] level;
    input wire group_end;
    input wire [31:0] gather_data;
    input wire reset;
    output wire [59:0] gather_row;
    output wire [3:0] gather_enable;
    output wire high;
    output wire [31:0] value;
    // Fields in use.
    wire instruction_wide = instruction[34];
    wire [15:0] instruction_step0_row = instruction[156:141];
    wire [5:0] instruction_step0_bank = instruction[162:157];
    wire [13:0] instruction_step0_y = instruction[176:163];
    wire [13:0] instruction_step0_x = instruction[190:177];
    wire [15:0] instruction_step1_row = instruction[222:207];
    wire [5:0] instruction_step1_bank = instruction[228:223];
    wire [13:0] instruction_step1_y = instruction[242:229];
    wire [13:0] instruction_step1_x = instruction[256:243];
    wire [15:0] instruction_step2_row = instruction[288:273];
    wire [5:0] instruction_step2_bank = instruction[294:289];
    wire [13:0] instruction_step2_y = instruction[308:295];
    wire [13:0] instruction_step2_x = instruction[322:309];
    wire [12:0] instruction_input_ring_line = instruction[423:411];
    wire [15:0] instruction_input_ring_rows_negated = instruction[439:424];
    wire [12:0] instruction_input_height = instruction[496:484];
    wire [12:0] instruction_input_width = instruction[509:497];
    wire [7:0] instruction_input_pad = instruction[517:510];
    // The next tile's lanes. They become the present ones when the first offset is ready.
    reg load_1 = 1'd0;
    reg load_2 = 1'd0;
    reg restart_1 = 1'd0;
    reg restart_2 = 1'd0;
    wire walker_push;
    wire [14:0] walker_row;
    wire [1:0] walker_bank;
    wire walker_valid;
    wire [13:0] walker_y;
    wire [13:0] walker_x;
    wire [183:0] chain_present;
    wire [14:0] offset_sum_row;
    wire [1:0] offset_sum_bank;
    wire [3:0] offset_sum_less;
    reg live_1 = 1'd0;
    reg live_2 = 1'd0;
    reg live_3 = 1'd0;
    reg first_1 = 1'd0;
    reg first_2 = 1'd0;
    reg [13:0] y_step_1 = 14'd0;
    reg [13:0] y_step_2 = 14'd0;
    reg [13:0] y_3 = 14'd0;
    reg [13:0] x_step_1 = 14'd0;
    reg [13:0] x_step_2 = 14'd0;
    reg [13:0] x_3 = 14'd0;
    wire [59:0] lanes_row;
    wire [7:0] lanes_bank;
    wire [3:0] lanes_enable;
    wire [59:0] to_banks_bank_value;
    wire [3:0] to_banks_bank_enable;
    // The planes of a wide operation: high halves at even counts of the outermost loop.
    reg high_before = 1'd0;
    wire high_plane = first | (high_before ^ level[1]);
    reg high_1 = 1'd0;
    reg high_later_1 = 1'd0;
    reg high_later_2 = 1'd0;
    reg high_later_3 = 1'd0;
    reg high_later_4 = 1'd0;
    reg high_later_5 = 1'd0;
    reg high_later_6 = 1'd0;
    reg high_later_7 = 1'd0;
    reg high_later_8 = 1'd0;
    reg high_later_9 = 1'd0;
    reg high_later_10 = 1'd0;
    reg high_later_11 = 1'd0;
    reg high_later_12 = 1'd0;
    reg high_later_13 = 1'd0;
    reg high_later_14 = 1'd0;
    // The way back: the selects wait for the data.
    reg live_until_1 = 1'd0;
    reg live_until_2 = 1'd0;
    reg live_until_3 = 1'd0;
    reg [3:0] outside_1 = 4'd0;
    reg [3:0] outside_2 = 4'd0;
    reg [3:0] outside_3 = 4'd0;
    reg [3:0] outside_4 = 4'd0;
    reg [3:0] outside_5 = 4'd0;
    reg [3:0] outside_6 = 4'd0;
    reg [7:0] bank_1 = 8'd0;
    reg [7:0] bank_2 = 8'd0;
    reg [7:0] bank_3 = 8'd0;
    reg [7:0] bank_4 = 8'd0;
    reg [7:0] bank_5 = 8'd0;
    reg [7:0] bank_6 = 8'd0;
    reg [3:0] enable_1 = 4'd0;
    reg [3:0] enable_2 = 4'd0;
    reg [3:0] enable_3 = 4'd0;
    reg [3:0] enable_4 = 4'd0;
    reg [3:0] enable_5 = 4'd0;
    reg [3:0] enable_6 = 4'd0;
    wire [31:0] to_lanes_value;
    wire [13:0] y_step_1_next_1 = level[1] ? instruction_step2_y : (level[0] ? instruction_step1_y :
        instruction_step0_y);
    wire [13:0] x_step_1_next_1 = level[1] ? instruction_step2_x : (level[0] ? instruction_step1_x :
        instruction_step0_x);
    wire [14:0] offset_row_1 = level[0] ? instruction_step1_row[14:0] : instruction_step0_row[14:0];
    wire [1:0] offset_bank_1 = level[0] ? instruction_step1_bank[1:0] : instruction_step0_bank[1:0];
    assign gather_row = to_banks_bank_value;
    assign gather_enable = to_banks_bank_enable;
    assign high = high_later_14;
    assign value = to_lanes_value;
    input_walker walker (
        .clock(clock),
        .issue(issue),
        .start(load_2),
        .restart(restart_2),
        .instruction(instruction),
        .reset(reset),
        .push(walker_push),
        .row(walker_row),
        .bank(walker_bank),
        .valid(walker_valid),
        .y(walker_y),
        .x(walker_x)
    );
    input_chain chain (
        .clock(clock),
        .push(walker_push),
        .state({walker_x, walker_y, walker_valid, walker_row, walker_bank}),
        .load(load_2),
        .present(chain_present)
    );
    // The common offset of the step.
    offset offset (
        .clock(clock),
        .advance(valid),
        .first(first),
        .row((level[1] ? instruction_step2_row[14:0] : offset_row_1)),
        .bank((level[1] ? instruction_step2_bank[1:0] : offset_bank_1)),
        .sum_row(offset_sum_row),
        .sum_bank(offset_sum_bank),
        .sum_less(offset_sum_less)
    );
    input_lanes lanes (
        .clock(clock),
        .present(chain_present),
        .live(live_3),
        .offset_row(offset_sum_row),
        .offset_bank(offset_sum_bank),
        .offset_less(offset_sum_less),
        .ring_less(instruction_input_ring_rows_negated[14:0]),
        .offset_y(y_3),
        .offset_x(x_3),
        .height(instruction_input_height),
        .width(instruction_input_width),
        .ring_line(instruction_input_ring_line),
        .row(lanes_row),
        .bank(lanes_bank),
        .enable(lanes_enable)
    );
    read_crossbar to_banks (
        .clock(clock),
        .bank(lanes_bank),
        .enable(lanes_enable),
        .value(lanes_row),
        .bank_value(to_banks_bank_value),
        .bank_enable(to_banks_bank_enable)
    );
    data_crossbar to_lanes (
        .clock(clock),
        .bank(bank_6),
        .enable(enable_6),
        .data(gather_data),
        .outside(outside_6),
        .pad(instruction_input_pad),
        .value(to_lanes_value)
    );
    always @(posedge clock) begin
        load_1 <= (valid & first);
        load_2 <= load_1;
        restart_1 <= group_end;
        restart_2 <= restart_1;
        live_1 <= valid;
        live_2 <= live_1;
        live_3 <= live_2;
        first_1 <= first;
        first_2 <= first_1;
        y_step_1 <= y_step_1_next_1;
        y_step_2 <= y_step_1;
        if (live_2) y_3 <= (first_2 ? 14'd0 : (y_3 + y_step_2));
        x_step_1 <= x_step_1_next_1;
        x_step_2 <= x_step_1;
        if (live_2) x_3 <= (first_2 ? 14'd0 : (x_3 + x_step_2));
        if (valid) high_before <= high_plane;
        high_1 <= (instruction_wide & high_plane);
        high_later_1 <= high_1;
        high_later_2 <= high_later_1;
        high_later_3 <= high_later_2;
        high_later_4 <= high_later_3;
        high_later_5 <= high_later_4;
        high_later_6 <= high_later_5;
        high_later_7 <= high_later_6;
        high_later_8 <= high_later_7;
        high_later_9 <= high_later_8;
        high_later_10 <= high_later_9;
        high_later_11 <= high_later_10;
        high_later_12 <= high_later_11;
        high_later_13 <= high_later_12;
        high_later_14 <= high_later_13;
        live_until_1 <= live_3;
        live_until_2 <= live_until_1;
        live_until_3 <= live_until_2;
        outside_1 <= ((~lanes_enable) & {4{live_until_3}});
        outside_2 <= outside_1;
        outside_3 <= outside_2;
        outside_4 <= outside_3;
        outside_5 <= outside_4;
        outside_6 <= outside_5;
        bank_1 <= lanes_bank;
        bank_2 <= bank_1;
        bank_3 <= bank_2;
        bank_4 <= bank_3;
        bank_5 <= bank_4;
        bank_6 <= bank_5;
        enable_1 <= lanes_enable;
        enable_2 <= enable_1;
        enable_3 <= enable_2;
        enable_4 <= enable_3;
        enable_5 <= enable_4;
        enable_6 <= enable_5;
    end
endmodule

// Columns of a tile, each for the cycles of a slot.
module columns(
    clock, start, group_end, last_group, op_end, slot_less_1, instruction, reset, active,
    begin_column, first, inner, slot_end, phase, restart, done
);
    input wire clock;
    input wire start;
    input wire group_end;
    input wire last_group;
    input wire op_end;
    input wire [5:0] slot_less_1;
    input wire [1023:0] instruction;
    input wire reset;
    output wire active;
    output wire begin_column;
    output wire first;
    output wire inner;
    output wire slot_end;
    output wire [5:0] phase;
    output wire restart;
    output wire done;
    // Fields in use.
    wire [5:0] instruction_columns_less_1 = instruction[79:74];
    wire [5:0] instruction_last_columns_less_1 = instruction[85:80];
    wire [5:0] instruction_inner_columns_less_1 = instruction[91:86];
    reg active_r = 1'd0;
    reg slot_zero = 1'd0;
    reg column_zero = 1'd0;
    reg inner_zero = 1'd0;
    wire column_end = active_r & slot_zero;
    wire next_column = column_end & (~column_zero);
    wire new_column = start | next_column;
    reg [5:0] slot_left = 6'd0;
    reg [5:0] phase_r = 6'd0;
    reg [5:0] columns_left = 6'd0;
    wire new_outer = start | inner_zero;
    reg [5:0] inner_left = 6'd0;
    reg begins = 1'd0;
    reg first_r = 1'd0;
    reg is_inner = 1'd0;
    reg restart_r = 1'd0;
    reg final_tile = 1'd0;
    wire [5:0] columns_left_next_1 = last_group ? instruction_last_columns_less_1 : instruction_columns_less_1;
    wire inner_zero_next_1 = new_outer ? (~(|instruction_inner_columns_less_1)) : (inner_left == 6'd1);
    wire [5:0] inner_left_next_1 = new_outer ? instruction_inner_columns_less_1 : (inner_left - 6'd1);
    assign active = active_r;
    assign begin_column = begins;
    assign first = first_r;
    assign inner = is_inner;
    assign slot_end = column_end;
    assign phase = phase_r;
    assign restart = restart_r;
    assign done = ((column_end & column_zero) & final_tile);
    always @(posedge clock) begin
        slot_zero <= (new_column ? (~(|slot_less_1)) : (slot_left == 6'd1));
        if (new_column) column_zero <= (start ? (~(|columns_left_next_1)) : (columns_left == 6'd1));
        if (new_column) inner_zero <= inner_zero_next_1;
        slot_left <= (new_column ? slot_less_1 : (slot_left - 6'd1));
        phase_r <= (new_column ? 6'd0 : (phase_r + 6'd1));
        if (new_column) columns_left <= (start ? columns_left_next_1 : (columns_left - 6'd1));
        if (new_column) inner_left <= inner_left_next_1;
        begins <= new_column;
        first_r <= start;
        is_inner <= (next_column & (~inner_zero));
        if (start) restart_r <= group_end;
        if (start) final_tile <= op_end;
        if (reset) begin
            active_r <= 1'd0;
        end else begin
            active_r <= (start | (active_r & (~(slot_zero & column_zero))));
        end
    end
endmodule

// Memory of 9216 words of 32 bits, one write and one read port; data 2 cycles after the address.
module ram_9216x32(clock, write_enable, write_address, write_data, read_address, read_data);
    input wire clock;
    input wire write_enable;
    input wire [13:0] write_address;
    input wire [31:0] write_data;
    input wire [13:0] read_address;
    output wire [31:0] read_data;
    (* no_rw_check *)
    reg [31:0] memory [0:9215];
    reg [31:0] data_1;
    reg [31:0] data_2;
    `ifndef SYNTHESIS
    integer i;
    initial begin
        for (i = 0; i < 9216; i = i + 1) memory[i] = 0;
        data_1 = 0;
        data_2 = 0;
    end
    `endif
    always @(posedge clock) begin
        if (write_enable) memory[write_address] <= write_data;
    end
    always @(posedge clock) begin
        data_1 <= memory[read_address];
        data_2 <= data_1;
    end
    assign read_data = data_2;
endmodule

// Weight memory, its address, and the expander of shifted taps.
module weights(
    clock, issue, instruction, valid, first, level, group_start, weight_write, weight_word,
    weight_beat, weight_data, weight
);
    input wire clock;
    input wire issue;
    input wire [1023:0] instruction;
    input wire valid;
    input wire first;
    input wire [1:0] level;
    input wire group_start;
    input wire weight_write;
    input wire [13:0] weight_word;
    input wire weight_beat;
    input wire [31:0] weight_data;
    output wire [31:0] weight;
    // Fields in use.
    wire [1:0] instruction_reduce = instruction[33:32];
    wire [15:0] instruction_weights = instruction[533:518];
    wire [5:0] instruction_taps = instruction[539:534];
    reg rows = 1'd0;
    // Address of the present step.
    reg fresh = 1'd0;
    reg [13:0] address = 14'd0;
    reg [13:0] base = 14'd0;
    wire inner_start = first | (|level);
    wire again = first & (~group_start);
    wire stay = (first & fresh) | (~(inner_start | (~rows)));
    reg new_group = 1'd0;
    reg [13:0] address_spread = 14'd0;
    // The memory, one for each beat of a word.
    reg [13:0] write_word = 14'd0;
    reg [31:0] write_data = 32'd0;
    reg write_0 = 1'd0;
    wire [31:0] memory_0_read_data;
    reg [31:0] word_0 = 32'd0;
    // Dense: the word. Rows: its bytes one a step at column 0, and from column to column.
    reg start_1 = 1'd0;
    reg start_2 = 1'd0;
    reg start_3 = 1'd0;
    reg start_4 = 1'd0;
    reg start_5 = 1'd0;
    reg within_3 = 1'd0;
    reg [7:0] tap_3 = 8'd0;
    reg within_2 = 1'd0;
    reg [7:0] tap_2 = 8'd0;
    reg within_1 = 1'd0;
    reg [7:0] tap_1 = 8'd0;
    reg [7:0] weight_0 = 8'd0;
    reg [7:0] weight_1 = 8'd0;
    reg [7:0] weight_2 = 8'd0;
    reg [7:0] weight_3 = 8'd0;
    wire [13:0] address_next_1 = again ? base : ((address == 14'h23ff) ? 14'd0 : (address + 14'd1));
    assign weight = {weight_3, weight_2, weight_1, weight_0};
    ram_9216x32 memory_0 (
        .clock(clock),
        .write_enable(write_0),
        .write_address(write_word),
        .write_data(write_data),
        .read_address(address_spread),
        .read_data(memory_0_read_data)
    );
    always @(posedge clock) begin
        rows <= (instruction_reduce == 2'd1);
        if ((issue | valid)) fresh <= issue;
        if ((issue | (valid & (~stay)))) address <= (issue ? instruction_weights[13:0] : address_next_1);
        if (new_group) base <= address;
        new_group <= ((valid & first) & group_start);
        address_spread <= address;
        write_word <= weight_word;
        write_data <= weight_data;
        write_0 <= (weight_write & (weight_beat == 1'd0));
        word_0 <= memory_0_read_data;
        start_1 <= inner_start;
        start_2 <= start_1;
        start_3 <= start_2;
        start_4 <= start_3;
        start_5 <= start_4;
        within_3 <= (6'd3 < instruction_taps);
        tap_3 <= (start_5 ? ({8{within_3}} & word_0[31:24]) : 8'd0);
        within_2 <= (6'd2 < instruction_taps);
        tap_2 <= (start_5 ? ({8{within_2}} & word_0[23:16]) : tap_3);
        within_1 <= (6'd1 < instruction_taps);
        tap_1 <= (start_5 ? ({8{within_1}} & word_0[15:8]) : tap_2);
        weight_0 <= (rows ? (start_5 ? word_0[7:0] : tap_1) : word_0[7:0]);
        weight_1 <= (rows ? ({8{(~start_5)}} & weight_0) : word_0[15:8]);
        weight_2 <= (rows ? ({8{(~start_5)}} & weight_1) : word_0[23:16]);
        weight_3 <= (rows ? ({8{(~start_5)}} & weight_2) : word_0[31:24]);
    end
endmodule

// Signed product of 16 and 8 bits, 3 cycles after its operands.
module multiplier_s16x8(clock, a, b, product);
    input wire clock;
    input wire [15:0] a;
    input wire [7:0] b;
    output wire [23:0] product;
    reg signed [15:0] a_1 = 0;
    reg signed [7:0] b_1 = 0;
    reg signed [23:0] product_2 = 0;
    reg signed [23:0] product_3 = 0;
    always @(posedge clock) begin
        a_1 <= a;
        b_1 <= b;
        product_2 <= a_1 * b_1;
        product_3 <= product_2;
    end
    assign product = product_3;
endmodule

// Multiply-accumulator with a shadow register.
module pe(clock, a, w, last, shift, above, drained);
    input wire clock;
    input wire [15:0] a;
    input wire [7:0] w;
    input wire last;
    input wire shift;
    input wire [31:0] above;
    output wire [31:0] drained;
    wire [23:0] multiplier_product;
    reg last_here = 1'd0;
    reg load_here = 1'd0;
    reg [31:0] accumulator = 32'd0;
    wire [31:0] next_sum = accumulator + {{8{multiplier_product[23]}}, multiplier_product};
    reg [31:0] shadow = 32'd0;
    assign drained = shadow;
    multiplier_s16x8 multiplier (
        .clock(clock),
        .a(a),
        .b(w),
        .product(multiplier_product)
    );
    always @(posedge clock) begin
        last_here <= last;
        load_here <= (last | shift);
        accumulator <= (last_here ? 32'd0 : next_sum);
        if (load_here) shadow <= (last_here ? next_sum : above);
    end
endmodule

// Multiply-accumulators, lanes by columns.
module array(clock, value, high, weight, last, shift, drained);
    input wire clock;
    input wire [31:0] value;
    input wire high;
    input wire [31:0] weight;
    input wire last;
    input wire shift;
    output wire [127:0] drained;
    // One register for each group that a value reaches, indexed [lane or column][group].
    wire high_skew = high;
    wire [7:0] a_0_skew = value[7:0];
    reg [15:0] a_0 = 16'd0;
    wire [7:0] a_1_skew = value[15:8];
    reg [15:0] a_1 = 16'd0;
    wire [7:0] a_2_skew = value[23:16];
    reg [15:0] a_2 = 16'd0;
    wire [7:0] a_3_skew = value[31:24];
    reg [15:0] a_3 = 16'd0;
    // Weights of the columns, along the groups of lanes.
    wire [7:0] weight_0 = weight[7:0];
    wire [7:0] w_0_skew = weight_0;
    reg [7:0] w_0 = 8'd0;
    wire [7:0] weight_1 = weight[15:8];
    wire [7:0] w_1_skew = weight_1;
    reg [7:0] w_1 = 8'd0;
    wire [7:0] weight_2 = weight[23:16];
    wire [7:0] w_2_skew = weight_2;
    reg [7:0] w_2 = 8'd0;
    wire [7:0] weight_3 = weight[31:24];
    wire [7:0] w_3_skew = weight_3;
    reg [7:0] w_3 = 8'd0;
    // Ends of tiles and the drain's steps, along both groups.
    wire last_0_skew = last;
    reg last_0 = 1'd0;
    wire shift_0_skew = shift;
    reg shift_0 = 1'd0;
    wire [31:0] pe_0_3_drained;
    wire [31:0] pe_0_2_drained;
    wire [31:0] pe_0_1_drained;
    wire [31:0] pe_0_0_drained;
    wire [31:0] pe_1_3_drained;
    wire [31:0] pe_1_2_drained;
    wire [31:0] pe_1_1_drained;
    wire [31:0] pe_1_0_drained;
    wire [31:0] pe_2_3_drained;
    wire [31:0] pe_2_2_drained;
    wire [31:0] pe_2_1_drained;
    wire [31:0] pe_2_0_drained;
    wire [31:0] pe_3_3_drained;
    wire [31:0] pe_3_2_drained;
    wire [31:0] pe_3_1_drained;
    wire [31:0] pe_3_0_drained;
    wire [15:0] a_0_next_1 = {(high_skew ? a_0_skew : {8{a_0_skew[7]}}), ({8{(~high_skew)}} & a_0_skew)};
    wire [15:0] a_1_next_1 = {(high_skew ? a_1_skew : {8{a_1_skew[7]}}), ({8{(~high_skew)}} & a_1_skew)};
    wire [15:0] a_2_next_1 = {(high_skew ? a_2_skew : {8{a_2_skew[7]}}), ({8{(~high_skew)}} & a_2_skew)};
    wire [15:0] a_3_next_1 = {(high_skew ? a_3_skew : {8{a_3_skew[7]}}), ({8{(~high_skew)}} & a_3_skew)};
    wire [127:0] drained_1 = {pe_3_0_drained, pe_2_0_drained, pe_1_0_drained, pe_0_0_drained};
    assign drained = drained_1;
    pe pe_0_3 (
        .clock(clock),
        .a(a_0),
        .w(w_3),
        .last(last_0),
        .shift(shift_0),
        .above(32'd0),
        .drained(pe_0_3_drained)
    );
    pe pe_0_2 (
        .clock(clock),
        .a(a_0),
        .w(w_2),
        .last(last_0),
        .shift(shift_0),
        .above(pe_0_3_drained),
        .drained(pe_0_2_drained)
    );
    pe pe_0_1 (
        .clock(clock),
        .a(a_0),
        .w(w_1),
        .last(last_0),
        .shift(shift_0),
        .above(pe_0_2_drained),
        .drained(pe_0_1_drained)
    );
    pe pe_0_0 (
        .clock(clock),
        .a(a_0),
        .w(w_0),
        .last(last_0),
        .shift(shift_0),
        .above(pe_0_1_drained),
        .drained(pe_0_0_drained)
    );
    pe pe_1_3 (
        .clock(clock),
        .a(a_1),
        .w(w_3),
        .last(last_0),
        .shift(shift_0),
        .above(32'd0),
        .drained(pe_1_3_drained)
    );
    pe pe_1_2 (
        .clock(clock),
        .a(a_1),
        .w(w_2),
        .last(last_0),
        .shift(shift_0),
        .above(pe_1_3_drained),
        .drained(pe_1_2_drained)
    );
    pe pe_1_1 (
        .clock(clock),
        .a(a_1),
        .w(w_1),
        .last(last_0),
        .shift(shift_0),
        .above(pe_1_2_drained),
        .drained(pe_1_1_drained)
    );
    pe pe_1_0 (
        .clock(clock),
        .a(a_1),
        .w(w_0),
        .last(last_0),
        .shift(shift_0),
        .above(pe_1_1_drained),
        .drained(pe_1_0_drained)
    );
    pe pe_2_3 (
        .clock(clock),
        .a(a_2),
        .w(w_3),
        .last(last_0),
        .shift(shift_0),
        .above(32'd0),
        .drained(pe_2_3_drained)
    );
    pe pe_2_2 (
        .clock(clock),
        .a(a_2),
        .w(w_2),
        .last(last_0),
        .shift(shift_0),
        .above(pe_2_3_drained),
        .drained(pe_2_2_drained)
    );
    pe pe_2_1 (
        .clock(clock),
        .a(a_2),
        .w(w_1),
        .last(last_0),
        .shift(shift_0),
        .above(pe_2_2_drained),
        .drained(pe_2_1_drained)
    );
    pe pe_2_0 (
        .clock(clock),
        .a(a_2),
        .w(w_0),
        .last(last_0),
        .shift(shift_0),
        .above(pe_2_1_drained),
        .drained(pe_2_0_drained)
    );
    pe pe_3_3 (
        .clock(clock),
        .a(a_3),
        .w(w_3),
        .last(last_0),
        .shift(shift_0),
        .above(32'd0),
        .drained(pe_3_3_drained)
    );
    pe pe_3_2 (
        .clock(clock),
        .a(a_3),
        .w(w_2),
        .last(last_0),
        .shift(shift_0),
        .above(pe_3_3_drained),
        .drained(pe_3_2_drained)
    );
    pe pe_3_1 (
        .clock(clock),
        .a(a_3),
        .w(w_1),
        .last(last_0),
        .shift(shift_0),
        .above(pe_3_2_drained),
        .drained(pe_3_1_drained)
    );
    pe pe_3_0 (
        .clock(clock),
        .a(a_3),
        .w(w_0),
        .last(last_0),
        .shift(shift_0),
        .above(pe_3_1_drained),
        .drained(pe_3_0_drained)
    );
    always @(posedge clock) begin
        a_0 <= a_0_next_1;
        a_1 <= a_1_next_1;
        a_2 <= a_2_next_1;
        a_3 <= a_3_next_1;
        w_0 <= w_0_skew;
        w_1 <= w_1_skew;
        w_2 <= w_2_skew;
        w_3 <= w_3_skew;
        last_0 <= last_0_skew;
        shift_0 <= shift_0_skew;
    end
endmodule

// Starts the operand P - S + 1 cycles after the last step.
module lead_time(clock, start, flags, slot_less_1, reset, go, go_flags);
    input wire clock;
    input wire start;
    input wire [2:0] flags;
    input wire [5:0] slot_less_1;
    input wire reset;
    output wire go;
    output wire [2:0] go_flags;
    reg waiting = 1'd0;
    reg [5:0] left = 6'd0;
    // P - S, steady long before the first tile ends.
    reg [5:0] wait_cycles = 6'd0;
    reg left_zero = 1'd0;
    reg [2:0] held_flags = 3'd0;
    assign go = (waiting & left_zero);
    assign go_flags = held_flags;
    always @(posedge clock) begin
        left <= (start ? wait_cycles : (left - 6'd1));
        wait_cycles <= (6'd3 - slot_less_1);
        left_zero <= (start ? (~(|wait_cycles)) : (left == 6'd1));
        if (start) held_flags <= flags;
        if (reset) begin
            waiting <= 1'd0;
        end else begin
            waiting <= (start | (waiting & (~left_zero)));
        end
    end
endmodule

// Pixels of the next tile, one lane a cycle.
module operand_walker(
    clock, issue, start, restart, instruction, reset, push, row, bank, to_end, to_ring, segment
);
    input wire clock;
    input wire issue;
    input wire start;
    input wire restart;
    input wire [1023:0] instruction;
    input wire reset;
    output wire push;
    output wire [14:0] row;
    output wire [1:0] bank;
    output wire [2:0] to_end;
    output wire [2:0] to_ring;
    output wire [1:0] segment;
    // Fields in use.
    wire [5:0] instruction_lanes_less_1 = instruction[72:67];
    wire instruction_line_stop = instruction[73];
    wire [12:0] instruction_width_less_1 = instruction[105:93];
    wire [12:0] instruction_lines = instruction[118:106];
    wire [5:0] instruction_line_step = instruction[124:119];
    wire [15:0] instruction_operand_base_row = instruction[605:590];
    wire [5:0] instruction_operand_base_bank = instruction[611:606];
    wire [15:0] instruction_operand_group_row = instruction[627:612];
    wire [5:0] instruction_operand_group_bank = instruction[633:628];
    wire [15:0] instruction_operand_pixel_row = instruction[649:634];
    wire [5:0] instruction_operand_pixel_bank = instruction[655:650];
    wire [15:0] instruction_operand_wrap_row = instruction[671:656];
    wire [5:0] instruction_operand_wrap_bank = instruction[677:672];
    wire [12:0] instruction_operand_ring_line = instruction[690:678];
    wire [5:0] instruction_operand_segment_lanes_less_1 = instruction[762:757];
    // Stage 0: which lanes take a pixel, and where lines end.
    wire go = issue | start;
    wire rewind = issue | (start & restart);
    reg active = 1'd0;
    reg [1:0] count = 2'd0;
    reg count_zero = 1'd0;
    reg [5:0] lane_left = 6'd0;
    reg lane_zero = 1'd0;
    reg in_tile = 1'd0;
    reg stopped = 1'd0;
    wire take = (active & in_tile) & (~stopped);
    reg [12:0] x_left = 13'd0;
    reg line_end = 1'd0;
    wire new_line = rewind | (take & line_end);
    reg [5:0] segment_left = 6'd0;
    reg segment_full = 1'd0;
    reg [1:0] segment_r = 2'd0;
    wire next_segment = take & (line_end | segment_full);
    wire segment_load = go | next_segment;
    // Addresses of the group that is walked next.
    reg [1:0] group_step = 2'd0;
    reg [3:0] group_less = 4'd0;
    reg [1:0] group_bank = 2'd0;
    reg [14:0] group_row = 15'd0;
    reg [1:0] next_bank = 2'd0;
    reg next_carry = 1'd0;
    reg [14:0] next_row = 15'd0;
    wire [1:0] first_bank = issue ? instruction_operand_base_bank[1:0] : next_bank;
    wire [14:0] first_row = issue ? instruction_operand_base_row[14:0] : next_row;
    // Stage 1: bank and line.
    reg [3:0] pixel_less = 4'd0;
    reg [3:0] wrap_less = 4'd0;
    reg [1:0] step_1 = 2'd0;
    reg [3:0] less_1 = 4'd0;
    reg [14:0] row_step_1 = 15'd0;
    // The walk behind the last tile of an instruction may still be under way when the next is issued.
    reg push_1 = 1'd0;
    reg take_1 = 1'd0;
    reg line_1 = 1'd0;
    reg [1:0] bank_1 = 2'd0;
    reg [14:0] remaining = 15'd0;
    // Stage 2: row and coordinates.
    reg carry_2 = 1'd0;
    reg [14:0] row_step_2 = 15'd0;
    reg push_2 = 1'd0;
    reg take_2 = 1'd0;
    reg [1:0] bank_2 = 2'd0;
    reg [14:0] row_2 = 15'd0;
    reg [14:0] ring_left = 15'd0;
    reg [2:0] end_2 = 3'd0;
    reg [2:0] ring_2 = 3'd0;
    reg [1:0] segment_1 = 2'd0;
    reg [1:0] segment_2 = 2'd0;
    wire stopped_next_1 = (~go) & (stopped | ((take & line_end) & instruction_line_stop));
    wire line_end_next_1 = new_line ? (~(|instruction_width_less_1)) : (x_left == 13'd1);
    wire [5:0] segment_left_next_1 = segment_load ? instruction_operand_segment_lanes_less_1 : (segment_left - 6'd1);
    wire segment_full_next_1 = segment_load ? (~(|instruction_operand_segment_lanes_less_1)) : (segment_left == 6'd1);
    wire [3:0] next_bank_next_1 = {2'd0, group_bank} + group_less;
    wire [2:0] next_bank_next_2 = {1'd0, group_bank} + {1'd0, group_step};
    wire [1:0] next_bank_next_3 = next_bank_next_1[3] ? next_bank_next_2[1:0] : next_bank_next_1[1:0];
    wire [15:0] next_row_next_1 = {group_row, next_carry} + {instruction_operand_group_row[14:0], next_carry};
    wire [1:0] step_1_next_1 = line_end ? instruction_operand_wrap_bank[1:0] : instruction_operand_pixel_bank[1:0];
    wire [14:0] row_step_1_next_1 = line_end ? instruction_operand_wrap_row[14:0] :
        instruction_operand_pixel_row[14:0];
    wire [3:0] bank_1_next_1 = {2'd0, bank_1} + less_1;
    wire [2:0] bank_1_next_2 = {1'd0, bank_1} + {1'd0, step_1};
    wire [1:0] bank_1_next_3 = rewind ? first_bank : (bank_1_next_1[3] ? bank_1_next_2[1:0] : bank_1_next_1[1:0]);
    wire [14:0] remaining_next_1 = rewind ? {2'd0, instruction_lines} : (remaining - {9'd0, instruction_line_step});
    wire [15:0] row_2_next_1 = {row_2, carry_2} + {row_step_2, carry_2};
    wire [14:0] ring_left_next_1 = rewind ? {2'd0, instruction_operand_ring_line} : (ring_left - {9'd0,
        instruction_line_step});
    wire [2:0] end_2_next_1 = {3{(~remaining[14])}} & ({3{(|remaining[13:3])}} | remaining[2:0]);
    wire [2:0] ring_2_next_1 = {3{(~ring_left[14])}} & ({3{(|ring_left[13:3])}} | ring_left[2:0]);
    assign push = push_2;
    assign row = row_2;
    assign bank = bank_2;
    assign to_end = end_2;
    assign to_ring = ring_2;
    assign segment = segment_2;
    always @(posedge clock) begin
        count <= (go ? 2'd3 : (count - 2'd1));
        count_zero <= ((~go) & (count == 2'd1));
        lane_left <= (go ? instruction_lanes_less_1 : (lane_left - 6'd1));
        lane_zero <= (go ? (~(|instruction_lanes_less_1)) : (lane_left == 6'd1));
        in_tile <= (go | (in_tile & (~lane_zero)));
        stopped <= stopped_next_1;
        if ((rewind | take)) x_left <= (new_line ? instruction_width_less_1 : (x_left - 13'd1));
        if ((rewind | take)) line_end <= line_end_next_1;
        if ((go | take)) segment_left <= segment_left_next_1;
        if ((go | take)) segment_full <= segment_full_next_1;
        if (segment_load) segment_r <= (go ? 2'd0 : (segment_r + 2'd1));
        group_step <= instruction_operand_group_bank[1:0];
        group_less <= ({2'd0, instruction_operand_group_bank[1:0]} - 4'd4);
        if (rewind) group_bank <= first_bank;
        if (rewind) group_row <= first_row;
        next_bank <= next_bank_next_3;
        next_carry <= (~next_bank_next_1[3]);
        next_row <= next_row_next_1[15:1];
        pixel_less <= ({2'd0, instruction_operand_pixel_bank[1:0]} - 4'd4);
        wrap_less <= ({2'd0, instruction_operand_wrap_bank[1:0]} - 4'd4);
        step_1 <= step_1_next_1;
        less_1 <= (line_end ? wrap_less : pixel_less);
        row_step_1 <= row_step_1_next_1;
        push_1 <= (active & (~issue));
        take_1 <= (take & (~issue));
        line_1 <= ((take & line_end) & (~issue));
        if ((rewind | take_1)) bank_1 <= bank_1_next_3;
        if ((rewind | line_1)) remaining <= remaining_next_1;
        carry_2 <= (~bank_1_next_1[3]);
        row_step_2 <= row_step_1;
        push_2 <= (push_1 & (~issue));
        take_2 <= (take_1 & (~issue));
        bank_2 <= bank_1;
        if ((rewind | take_2)) row_2 <= (rewind ? first_row : row_2_next_1[15:1]);
        if ((rewind | line_1)) ring_left <= ring_left_next_1;
        end_2 <= ({3{take_1}} & end_2_next_1);
        ring_2 <= ring_2_next_1;
        segment_1 <= segment_r;
        segment_2 <= segment_1;
        if (reset) begin
            active <= 1'd0;
        end else begin
            active <= (go | (active & (~count_zero)));
        end
    end
endmodule

// Lanes of the next tile (shifted in) and of the present one.
module target_chain(clock, push, state, load, present);
    input wire clock;
    input wire push;
    input wire [24:0] state;
    input wire load;
    output wire [99:0] present;
    reg [99:0] next = 100'h0;
    reg [99:0] held = 100'h0;
    assign present = held;
    always @(posedge clock) begin
        if (push) next <= {state, next[99:25]};
        if (load) held <= next;
    end
endmodule

// Address of one lane, 2 cycles after its parts.
module target_address(
    clock, state, live, offset_row, offset_bank, offset_less, ring_less, down, phase, row, bank,
    enable
);
    input wire clock;
    input wire [24:0] state;
    input wire live;
    input wire [14:0] offset_row;
    input wire [1:0] offset_bank;
    input wire [3:0] offset_less;
    input wire [14:0] ring_less;
    input wire [2:0] down;
    input wire [5:0] phase;
    output wire [14:0] row;
    output wire [1:0] bank;
    output wire enable;
    wire [1:0] own_bank = state[1:0];
    wire [14:0] own_row = state[16:2];
    wire [2:0] own_to_end = state[19:17];
    wire [2:0] own_to_ring = state[22:20];
    wire [1:0] own_segment = state[24:23];
    // Stage 1: sums.
    reg [1:0] bank_1 = 2'd0;
    reg carry_1 = 1'd0;
    reg [14:0] row_1 = 15'd0;
    reg live_1 = 1'd0;
    reg wrap_1 = 1'd0;
    // Last stage: carry and ring.
    reg [14:0] row_r = 15'd0;
    reg [1:0] bank_r = 2'd0;
    reg enable_r = 1'd0;
    wire [3:0] bank_1_next_1 = {2'd0, own_bank} + offset_less;
    wire [2:0] bank_1_next_2 = {1'd0, own_bank} + {1'd0, offset_bank};
    wire live_1_next_1 = (live & ({4'd0, own_segment} == phase)) & (down < own_to_end);
    wire [15:0] row_r_next_1 = {row_1, carry_1} + {({15{wrap_1}} & ring_less), carry_1};
    assign row = row_r;
    assign bank = bank_r;
    assign enable = enable_r;
    always @(posedge clock) begin
        bank_1 <= (bank_1_next_1[3] ? bank_1_next_2[1:0] : bank_1_next_1[1:0]);
        carry_1 <= (~bank_1_next_1[3]);
        row_1 <= (own_row + offset_row);
        live_1 <= live_1_next_1;
        wrap_1 <= (~(down < own_to_ring));
        row_r <= row_r_next_1[15:1];
        bank_r <= bank_1;
        enable_r <= live_1;
    end
endmodule

// Addresses of all lanes.
module target_lanes(
    clock, present, live, offset_row, offset_bank, offset_less, ring_less, down, phase, row, bank,
    enable
);
    input wire clock;
    input wire [99:0] present;
    input wire live;
    input wire [14:0] offset_row;
    input wire [1:0] offset_bank;
    input wire [3:0] offset_less;
    input wire [14:0] ring_less;
    input wire [2:0] down;
    input wire [5:0] phase;
    output wire [59:0] row;
    output wire [7:0] bank;
    output wire [3:0] enable;
    wire [14:0] lane_0_row;
    wire [1:0] lane_0_bank;
    wire lane_0_enable;
    wire [14:0] lane_1_row;
    wire [1:0] lane_1_bank;
    wire lane_1_enable;
    wire [14:0] lane_2_row;
    wire [1:0] lane_2_bank;
    wire lane_2_enable;
    wire [14:0] lane_3_row;
    wire [1:0] lane_3_bank;
    wire lane_3_enable;
    assign row = {lane_3_row, lane_2_row, lane_1_row, lane_0_row};
    assign bank = {lane_3_bank, lane_2_bank, lane_1_bank, lane_0_bank};
    assign enable = {lane_3_enable, lane_2_enable, lane_1_enable, lane_0_enable};
    // Lane 0.
    target_address lane_0 (
        .clock(clock),
        .state(present[24:0]),
        .live(live),
        .offset_row(offset_row),
        .offset_bank(offset_bank),
        .offset_less(offset_less),
        .ring_less(ring_less),
        .down(down),
        .phase(phase),
        .row(lane_0_row),
        .bank(lane_0_bank),
        .enable(lane_0_enable)
    );
    // Lane 1.
    target_address lane_1 (
        .clock(clock),
        .state(present[49:25]),
        .live(live),
        .offset_row(offset_row),
        .offset_bank(offset_bank),
        .offset_less(offset_less),
        .ring_less(ring_less),
        .down(down),
        .phase(phase),
        .row(lane_1_row),
        .bank(lane_1_bank),
        .enable(lane_1_enable)
    );
    // Lane 2.
    target_address lane_2 (
        .clock(clock),
        .state(present[74:50]),
        .live(live),
        .offset_row(offset_row),
        .offset_bank(offset_bank),
        .offset_less(offset_less),
        .ring_less(ring_less),
        .down(down),
        .phase(phase),
        .row(lane_2_row),
        .bank(lane_2_bank),
        .enable(lane_2_enable)
    );
    // Lane 3.
    target_address lane_3 (
        .clock(clock),
        .state(present[99:75]),
        .live(live),
        .offset_row(offset_row),
        .offset_bank(offset_bank),
        .offset_less(offset_less),
        .ring_less(ring_less),
        .down(down),
        .phase(phase),
        .row(lane_3_row),
        .bank(lane_3_bank),
        .enable(lane_3_enable)
    );
endmodule

// Crossbar from banks to lanes.
module operand_crossbar(clock, bank, enable, data, value);
    input wire clock;
    input wire [7:0] bank;
    input wire [3:0] enable;
    input wire [31:0] data;
    output wire [31:0] value;
    // Lane 0: the bank that it asked, and its byte.
    reg [3:0] hit_0 = 4'd0;
    reg [7:0] value_0_s1 = 8'd0;
    reg [7:0] value_0_s1_n2 = 8'd0;
    reg [7:0] value_0_s2 = 8'd0;
    // Lane 1: the bank that it asked, and its byte.
    reg [3:0] hit_1 = 4'd0;
    reg [7:0] value_1_s1 = 8'd0;
    reg [7:0] value_1_s1_n2 = 8'd0;
    reg [7:0] value_1_s2 = 8'd0;
    // Lane 2: the bank that it asked, and its byte.
    reg [3:0] hit_2 = 4'd0;
    reg [7:0] value_2_s1 = 8'd0;
    reg [7:0] value_2_s1_n2 = 8'd0;
    reg [7:0] value_2_s2 = 8'd0;
    // Lane 3: the bank that it asked, and its byte.
    reg [3:0] hit_3 = 4'd0;
    reg [7:0] value_3_s1 = 8'd0;
    reg [7:0] value_3_s1_n2 = 8'd0;
    reg [7:0] value_3_s2 = 8'd0;
    wire [3:0] hit_0_next_1 = {(enable[0] & (bank[1:0] == 2'd3)), (enable[0] & (bank[1:0] == 2'd2)), (enable[0] &
        (bank[1:0] == 2'd1)), (enable[0] & (bank[1:0] == 2'd0))};
    wire [7:0] value_0_s1_n2_next_1 = ({8{hit_0[2]}} & data[23:16]) | ({8{hit_0[3]}} & data[31:24]);
    wire [3:0] hit_1_next_1 = {(enable[1] & (bank[3:2] == 2'd3)), (enable[1] & (bank[3:2] == 2'd2)), (enable[1] &
        (bank[3:2] == 2'd1)), (enable[1] & (bank[3:2] == 2'd0))};
    wire [7:0] value_1_s1_n2_next_1 = ({8{hit_1[2]}} & data[23:16]) | ({8{hit_1[3]}} & data[31:24]);
    wire [3:0] hit_2_next_1 = {(enable[2] & (bank[5:4] == 2'd3)), (enable[2] & (bank[5:4] == 2'd2)), (enable[2] &
        (bank[5:4] == 2'd1)), (enable[2] & (bank[5:4] == 2'd0))};
    wire [7:0] value_2_s1_n2_next_1 = ({8{hit_2[2]}} & data[23:16]) | ({8{hit_2[3]}} & data[31:24]);
    wire [3:0] hit_3_next_1 = {(enable[3] & (bank[7:6] == 2'd3)), (enable[3] & (bank[7:6] == 2'd2)), (enable[3] &
        (bank[7:6] == 2'd1)), (enable[3] & (bank[7:6] == 2'd0))};
    wire [7:0] value_3_s1_n2_next_1 = ({8{hit_3[2]}} & data[23:16]) | ({8{hit_3[3]}} & data[31:24]);
    assign value = {value_3_s2, value_2_s2, value_1_s2, value_0_s2};
    always @(posedge clock) begin
        hit_0 <= hit_0_next_1;
        value_0_s1 <= (({8{hit_0[0]}} & data[7:0]) | ({8{hit_0[1]}} & data[15:8]));
        value_0_s1_n2 <= value_0_s1_n2_next_1;
        value_0_s2 <= (value_0_s1 | value_0_s1_n2);
        hit_1 <= hit_1_next_1;
        value_1_s1 <= (({8{hit_1[0]}} & data[7:0]) | ({8{hit_1[1]}} & data[15:8]));
        value_1_s1_n2 <= value_1_s1_n2_next_1;
        value_1_s2 <= (value_1_s1 | value_1_s1_n2);
        hit_2 <= hit_2_next_1;
        value_2_s1 <= (({8{hit_2[0]}} & data[7:0]) | ({8{hit_2[1]}} & data[15:8]));
        value_2_s1_n2 <= value_2_s1_n2_next_1;
        value_2_s2 <= (value_2_s1 | value_2_s1_n2);
        hit_3 <= hit_3_next_1;
        value_3_s1 <= (({8{hit_3[0]}} & data[7:0]) | ({8{hit_3[1]}} & data[15:8]));
        value_3_s1_n2 <= value_3_s1_n2_next_1;
        value_3_s2 <= (value_3_s1 | value_3_s1_n2);
    end
endmodule

// Reads the residual operand of a column.
module compute_operand(
    clock, issue, instruction, begin_column, first, inner, active, restart, reset, slot_end,
    operand_data, operand_row, operand_enable, value
);
    input wire clock;
    input wire issue;
    input wire [1023:0] instruction;
    input wire begin_column;
    input wire first;
    input wire inner;
    input wire active;
    input wire restart;
    input wire reset;
    input wire slot_end;
    input wire [31:0] operand_data;
    output wire [59:0] operand_row;
    output wire [3:0] operand_enable;
    output wire [31:0] value;
    // Fields in use.
    wire instruction_column_y = instruction[92];
    wire [15:0] instruction_operand_ring_rows_negated = instruction[706:691];
    wire [15:0] instruction_operand_inner_row = instruction[722:707];
    wire [5:0] instruction_operand_inner_bank = instruction[728:723];
    wire [15:0] instruction_operand_outer_row = instruction[744:729];
    wire [5:0] instruction_operand_outer_bank = instruction[750:745];
    reg load_1 = 1'd0;
    reg load_2 = 1'd0;
    reg restart_walk_1 = 1'd0;
    reg restart_walk_2 = 1'd0;
    wire walker_push;
    wire [14:0] walker_row;
    wire [1:0] walker_bank;
    wire [2:0] walker_to_end;
    wire [2:0] walker_to_ring;
    wire [1:0] walker_segment;
    wire [99:0] chain_present;
    wire [14:0] offset_sum_row;
    wire [1:0] offset_sum_bank;
    wire [3:0] offset_sum_less;
    // Output rows of an inner column below the first, and the cycle within the column.
    reg begin_1 = 1'd0;
    reg begin_2 = 1'd0;
    reg inner_1 = 1'd0;
    reg inner_2 = 1'd0;
    reg [2:0] down = 3'd0;
    reg [5:0] phase = 6'd0;
    reg live_1 = 1'd0;
    reg live_2 = 1'd0;
    reg live_3 = 1'd0;
    wire [59:0] lanes_row;
    wire [7:0] lanes_bank;
    wire [3:0] lanes_enable;
    wire [59:0] to_banks_bank_value;
    wire [3:0] to_banks_bank_enable;
    reg [7:0] bank_1 = 8'd0;
    reg [7:0] bank_2 = 8'd0;
    reg [7:0] bank_3 = 8'd0;
    reg [7:0] bank_4 = 8'd0;
    reg [7:0] bank_5 = 8'd0;
    reg [7:0] bank_6 = 8'd0;
    reg [3:0] enable_1 = 4'd0;
    reg [3:0] enable_2 = 4'd0;
    reg [3:0] enable_3 = 4'd0;
    reg [3:0] enable_4 = 4'd0;
    reg [3:0] enable_5 = 4'd0;
    reg [3:0] enable_6 = 4'd0;
    wire [31:0] to_lanes_value;
    reg [3:0] came_1 = 4'd0;
    reg [3:0] came_2 = 4'd0;
    reg [3:0] came_3 = 4'd0;
    reg complete_1 = 1'd0;
    reg complete_2 = 1'd0;
    reg complete_3 = 1'd0;
    reg complete_4 = 1'd0;
    reg complete_5 = 1'd0;
    reg complete_6 = 1'd0;
    reg complete_7 = 1'd0;
    reg complete_8 = 1'd0;
    reg complete_9 = 1'd0;
    reg complete_10 = 1'd0;
    reg complete_11 = 1'd0;
    reg complete_12 = 1'd0;
    reg complete_13 = 1'd0;
    reg complete_14 = 1'd0;
    reg complete_15 = 1'd0;
    reg [7:0] byte_0 = 8'd0;
    reg [7:0] held_0 = 8'd0;
    reg [7:0] byte_1 = 8'd0;
    reg [7:0] held_1 = 8'd0;
    reg [7:0] byte_2 = 8'd0;
    reg [7:0] held_2 = 8'd0;
    reg [7:0] byte_3 = 8'd0;
    reg [7:0] held_3 = 8'd0;
    wire [24:0] chain_state_1 = {walker_segment, walker_to_ring, walker_to_end, walker_row, walker_bank};
    wire [14:0] offset_row_1 = inner ? instruction_operand_inner_row[14:0] : instruction_operand_outer_row[14:0];
    wire [1:0] offset_bank_1 = inner ? instruction_operand_inner_bank[1:0] : instruction_operand_outer_bank[1:0];
    assign operand_row = to_banks_bank_value;
    assign operand_enable = to_banks_bank_enable;
    assign value = {held_3, held_2, held_1, held_0};
    operand_walker walker (
        .clock(clock),
        .issue(issue),
        .start(load_2),
        .restart(restart_walk_2),
        .instruction(instruction),
        .reset(reset),
        .push(walker_push),
        .row(walker_row),
        .bank(walker_bank),
        .to_end(walker_to_end),
        .to_ring(walker_to_ring),
        .segment(walker_segment)
    );
    target_chain chain (
        .clock(clock),
        .push(walker_push),
        .state(chain_state_1),
        .load(load_2),
        .present(chain_present)
    );
    offset offset (
        .clock(clock),
        .advance(begin_column),
        .first(first),
        .row(offset_row_1),
        .bank(offset_bank_1),
        .sum_row(offset_sum_row),
        .sum_bank(offset_sum_bank),
        .sum_less(offset_sum_less)
    );
    target_lanes lanes (
        .clock(clock),
        .present(chain_present),
        .live(live_3),
        .offset_row(offset_sum_row),
        .offset_bank(offset_sum_bank),
        .offset_less(offset_sum_less),
        .ring_less(instruction_operand_ring_rows_negated[14:0]),
        .down(down),
        .phase(phase),
        .row(lanes_row),
        .bank(lanes_bank),
        .enable(lanes_enable)
    );
    read_crossbar to_banks (
        .clock(clock),
        .bank(lanes_bank),
        .enable(lanes_enable),
        .value(lanes_row),
        .bank_value(to_banks_bank_value),
        .bank_enable(to_banks_bank_enable)
    );
    operand_crossbar to_lanes (
        .clock(clock),
        .bank(bank_6),
        .enable(enable_6),
        .data(operand_data),
        .value(to_lanes_value)
    );
    always @(posedge clock) begin
        load_1 <= (begin_column & first);
        load_2 <= load_1;
        restart_walk_1 <= restart;
        restart_walk_2 <= restart_walk_1;
        begin_1 <= begin_column;
        begin_2 <= begin_1;
        inner_1 <= inner;
        inner_2 <= inner_1;
        if (begin_2) down <= (inner_2 ? (down + {2'd0, instruction_column_y}) : 3'd0);
        phase <= (begin_2 ? 6'd0 : (phase + 6'd1));
        live_1 <= active;
        live_2 <= live_1;
        live_3 <= live_2;
        bank_1 <= lanes_bank;
        bank_2 <= bank_1;
        bank_3 <= bank_2;
        bank_4 <= bank_3;
        bank_5 <= bank_4;
        bank_6 <= bank_5;
        enable_1 <= lanes_enable;
        enable_2 <= enable_1;
        enable_3 <= enable_2;
        enable_4 <= enable_3;
        enable_5 <= enable_4;
        enable_6 <= enable_5;
        came_1 <= enable_6;
        came_2 <= came_1;
        came_3 <= came_2;
        complete_1 <= slot_end;
        complete_2 <= complete_1;
        complete_3 <= complete_2;
        complete_4 <= complete_3;
        complete_5 <= complete_4;
        complete_6 <= complete_5;
        complete_7 <= complete_6;
        complete_8 <= complete_7;
        complete_9 <= complete_8;
        complete_10 <= complete_9;
        complete_11 <= complete_10;
        complete_12 <= complete_11;
        complete_13 <= complete_12;
        complete_14 <= complete_13;
        complete_15 <= complete_14;
        if (came_3[0]) byte_0 <= to_lanes_value[7:0];
        if (complete_15) held_0 <= byte_0;
        if (came_3[1]) byte_1 <= to_lanes_value[15:8];
        if (complete_15) held_1 <= byte_1;
        if (came_3[2]) byte_2 <= to_lanes_value[23:16];
        if (complete_15) held_2 <= byte_2;
        if (came_3[3]) byte_3 <= to_lanes_value[31:24];
        if (complete_15) held_3 <= byte_3;
    end
endmodule

// Memory of 1024 words of 32 bits, one write and one read port; data 2 cycles after the address.
module ram_1024x32(clock, write_enable, write_address, write_data, read_address, read_data);
    input wire clock;
    input wire write_enable;
    input wire [9:0] write_address;
    input wire [31:0] write_data;
    input wire [9:0] read_address;
    output wire [31:0] read_data;
    (* no_rw_check *)
    reg [31:0] memory [0:1023];
    reg [31:0] data_1;
    reg [31:0] data_2;
    `ifndef SYNTHESIS
    integer i;
    initial begin
        for (i = 0; i < 1024; i = i + 1) memory[i] = 0;
        data_1 = 0;
        data_2 = 0;
    end
    `endif
    always @(posedge clock) begin
        if (write_enable) memory[write_address] <= write_data;
    end
    always @(posedge clock) begin
        data_1 <= memory[read_address];
        data_2 <= data_1;
    end
    assign read_data = data_2;
endmodule

// Memory of 1024 words of 25 bits, one write and one read port; data 2 cycles after the address.
module ram_1024x25(clock, write_enable, write_address, write_data, read_address, read_data);
    input wire clock;
    input wire write_enable;
    input wire [9:0] write_address;
    input wire [24:0] write_data;
    input wire [9:0] read_address;
    output wire [24:0] read_data;
    (* no_rw_check *)
    reg [24:0] memory [0:1023];
    reg [24:0] data_1;
    reg [24:0] data_2;
    `ifndef SYNTHESIS
    integer i;
    initial begin
        for (i = 0; i < 1024; i = i + 1) memory[i] = 0;
        data_1 = 0;
        data_2 = 0;
    end
    `endif
    always @(posedge clock) begin
        if (write_enable) memory[write_address] <= write_data;
    end
    always @(posedge clock) begin
        data_1 <= memory[read_address];
        data_2 <= data_1;
    end
    assign read_data = data_2;
endmodule

// Memory of 1024 words of 10 bits, one write and one read port; data 2 cycles after the address.
module ram_1024x10(clock, write_enable, write_address, write_data, read_address, read_data);
    input wire clock;
    input wire write_enable;
    input wire [9:0] write_address;
    input wire [9:0] write_data;
    input wire [9:0] read_address;
    output wire [9:0] read_data;
    (* no_rw_check *)
    reg [9:0] memory [0:1023];
    reg [9:0] data_1;
    reg [9:0] data_2;
    `ifndef SYNTHESIS
    integer i;
    initial begin
        for (i = 0; i < 1024; i = i + 1) memory[i] = 0;
        data_1 = 0;
        data_2 = 0;
    end
    `endif
    always @(posedge clock) begin
        if (write_enable) memory[write_address] <= write_data;
    end
    always @(posedge clock) begin
        data_1 <= memory[read_address];
        data_2 <= data_1;
    end
    assign read_data = data_2;
endmodule

// Parameter memory and its address.
module compute_channels(
    clock, issue, instruction, begin_column, first, restart, channel_write, channel_word,
    channel_beat, channel_data, channel
);
    input wire clock;
    input wire issue;
    input wire [1023:0] instruction;
    input wire begin_column;
    input wire first;
    input wire restart;
    input wire channel_write;
    input wire [9:0] channel_word;
    input wire [1:0] channel_beat;
    input wire [31:0] channel_data;
    output wire [89:0] channel;
    // Fields in use.
    wire [12:0] instruction_channel_base = instruction[552:540];
    wire instruction_channel_column_step = instruction[553];
    wire [5:0] instruction_channel_group_step = instruction[559:554];
    reg [9:0] group = 10'd0;
    wire advance = (begin_column & first) & restart;
    reg [9:0] address = 10'd0;
    reg [9:0] read_1 = 10'd0;
    reg [9:0] write_word = 10'd0;
    reg [31:0] write_data = 32'd0;
    // One memory for each beat, as wide as the used bits in it.
    reg write_0 = 1'd0;
    wire [31:0] memory_0_read_data;
    reg write_1 = 1'd0;
    wire [24:0] memory_1_read_data;
    reg write_2 = 1'd0;
    wire [24:0] memory_2_read_data;
    reg write_3 = 1'd0;
    wire [9:0] memory_3_read_data;
    reg [89:0] channel_word_read = 90'h0;
    wire [9:0] group_next_1 = issue ? instruction_channel_base[9:0] : (group + {4'd0, instruction_channel_group_step});
    wire [9:0] address_next_1 = first ? group : (address + {9'd0, instruction_channel_column_step});
    wire [89:0] channel_word_read_next_1 = {memory_3_read_data[9:8], memory_3_read_data[5:0], memory_2_read_data,
        memory_1_read_data, memory_0_read_data};
    assign channel = channel_word_read;
    ram_1024x32 memory_0 (
        .clock(clock),
        .write_enable(write_0),
        .write_address(write_word),
        .write_data(write_data),
        .read_address(read_1),
        .read_data(memory_0_read_data)
    );
    ram_1024x25 memory_1 (
        .clock(clock),
        .write_enable(write_1),
        .write_address(write_word),
        .write_data(write_data[24:0]),
        .read_address(read_1),
        .read_data(memory_1_read_data)
    );
    ram_1024x25 memory_2 (
        .clock(clock),
        .write_enable(write_2),
        .write_address(write_word),
        .write_data(write_data[24:0]),
        .read_address(read_1),
        .read_data(memory_2_read_data)
    );
    ram_1024x10 memory_3 (
        .clock(clock),
        .write_enable(write_3),
        .write_address(write_word),
        .write_data(write_data[9:0]),
        .read_address(read_1),
        .read_data(memory_3_read_data)
    );
    always @(posedge clock) begin
        if ((issue | advance)) group <= group_next_1;
        if (begin_column) address <= address_next_1;
        read_1 <= address;
        write_word <= channel_word;
        write_data <= channel_data;
        write_0 <= (channel_write & (channel_beat == 2'd0));
        write_1 <= (channel_write & (channel_beat == 2'd1));
        write_2 <= (channel_write & (channel_beat == 2'd2));
        write_3 <= (channel_write & (channel_beat == 2'd3));
        channel_word_read <= channel_word_read_next_1;
    end
endmodule

// Signed product of 15 and 18 bits, 3 cycles after its operands.
module multiplier_s15x18(clock, a, b, product);
    input wire clock;
    input wire [14:0] a;
    input wire [17:0] b;
    output wire [32:0] product;
    reg signed [14:0] a_1 = 0;
    reg signed [17:0] b_1 = 0;
    reg signed [32:0] product_2 = 0;
    reg signed [32:0] product_3 = 0;
    always @(posedge clock) begin
        a_1 <= a;
        b_1 <= b;
        product_2 <= a_1 * b_1;
        product_3 <= product_2;
    end
    assign product = product_3;
endmodule

// Signed product of 18 and 18 bits, 3 cycles after its operands.
module multiplier_s18x18(clock, a, b, product);
    input wire clock;
    input wire [17:0] a;
    input wire [17:0] b;
    output wire [35:0] product;
    reg signed [17:0] a_1 = 0;
    reg signed [17:0] b_1 = 0;
    reg signed [35:0] product_2 = 0;
    reg signed [35:0] product_3 = 0;
    always @(posedge clock) begin
        a_1 <= a;
        b_1 <= b;
        product_2 <= a_1 * b_1;
        product_3 <= product_2;
    end
    assign product = product_3;
endmodule

// Memory of 512 words of 32 bits, one write and one read port; data 2 cycles after the address.
module ram_512x32(clock, write_enable, write_address, write_data, read_address, read_data);
    input wire clock;
    input wire write_enable;
    input wire [8:0] write_address;
    input wire [31:0] write_data;
    input wire [8:0] read_address;
    output wire [31:0] read_data;
    (* no_rw_check *)
    reg [31:0] memory [0:511];
    reg [31:0] data_1;
    reg [31:0] data_2;
    `ifndef SYNTHESIS
    integer i;
    initial begin
        for (i = 0; i < 512; i = i + 1) memory[i] = 0;
        data_1 = 0;
        data_2 = 0;
    end
    `endif
    always @(posedge clock) begin
        if (write_enable) memory[write_address] <= write_data;
    end
    always @(posedge clock) begin
        data_1 <= memory[read_address];
        data_2 <= data_1;
    end
    assign read_data = data_2;
endmodule

// Sum to byte: scale, operand, clamp, table.
module compute_requantiser(
    clock, instruction, sum, channel, operand, table_write, table_address, table_data, result
);
    input wire clock;
    input wire [1023:0] instruction;
    input wire [31:0] sum;
    input wire [89:0] channel;
    input wire [7:0] operand;
    input wire table_write;
    input wire [10:0] table_address;
    input wire [31:0] table_data;
    output wire [7:0] result;
    // Fields in use.
    wire [7:0] instruction_zero = instruction[567:560];
    wire [7:0] instruction_lo = instruction[575:568];
    wire [7:0] instruction_hi = instruction[583:576];
    wire instruction_table_on = instruction[584];
    wire [3:0] instruction_table = instruction[588:585];
    wire instruction_operand_on = instruction[589];
    wire [7:0] instruction_operand_zero = instruction[770:763];
    wire [24:0] instruction_operand_mantissa = instruction[795:771];
    wire [5:0] instruction_operand_shift = instruction[801:796];
    wire instruction_operand_multiply = instruction[802];
    wire multiply = instruction_operand_on & instruction_operand_multiply;
    reg [31:0] sum_1 = 32'd0;
    reg [24:0] mantissa_1 = 25'd0;
    reg [24:0] negative_1 = 25'd0;
    reg [31:0] sum_2 = 32'd0;
    reg [33:0] sum_triple = 34'd0;
    reg [24:0] mantissa_2 = 25'd0;
    wire [31:0] sum_3 = sum_2;
    wire [17:0] mantissa_3 = mantissa_2[24:7];
    wire [32:0] high_product;
    wire [35:0] low_product;
    wire [6:0] mantissa_digits = mantissa_2[6:0];
    wire [33:0] digit_value_pair_n4_1 = {{2{sum_2[31]}}, sum_2};
    wire [33:0] digit_value_pair = mantissa_digits[1] ? {34{mantissa_digits[0]}} : (mantissa_digits[0] ?
        digit_value_pair_n4_1 : 34'd0);
    reg [33:0] digit_0 = 34'd0;
    wire [33:0] digit_value_pair_n2 = mantissa_digits[3] ? {34{mantissa_digits[2]}} : (mantissa_digits[2] ?
        digit_value_pair_n4_1 : 34'd0);
    reg [33:0] digit_1 = 34'd0;
    wire [33:0] digit_value_pair_n3 = mantissa_digits[5] ? {34{mantissa_digits[4]}} : (mantissa_digits[4] ?
        digit_value_pair_n4_1 : 34'd0);
    reg [33:0] digit_2 = 34'd0;
    wire [33:0] digit_value_pair_n4 = mantissa_digits[6] ? digit_value_pair_n4_1 : 34'd0;
    reg [33:0] digit_3 = 34'd0;
    reg [36:0] digits_pair = 37'd0;
    reg [36:0] digits_pair_n2 = 37'd0;
    reg [40:0] digits_sum = 41'd0;
    wire [38:0] digits_sum_later = digits_sum[38:0];
    reg [35:0] product_middle = 36'd0;
    reg [6:0] product_low = 7'd0;
    reg [32:0] product_high = 33'd0;
    reg [56:0] scaled_product = 57'd0;
    reg [5:0] shift_1 = 6'd0;
    reg [5:0] shift_2 = 6'd0;
    reg [5:0] shift_3 = 6'd0;
    reg [5:0] shift_4 = 6'd0;
    reg [5:0] shift_5 = 6'd0;
    reg [5:0] shift_6 = 6'd0;
    reg [5:0] shift_7 = 6'd0;
    reg [3:0] shift_fours = 4'd0;
    reg [1:0] shift_ones = 2'd0;
    reg scaled_sign_1 = 1'd0;
    reg scaled_sign_2 = 1'd0;
    reg scaled_sign_3 = 1'd0;
    wire scaled_lost_pair_1 = shift_7[4] ? 1'd0 : ((|scaled_product[56:42]) & (~(&scaled_product[56:42])));
    wire scaled_lost_pair = shift_7[5] ? shift_7[4] : scaled_lost_pair_1;
    reg scaled_over = 1'd0;
    wire [40:0] scaled_moved_pair_1 = scaled_product[56:16];
    wire [42:0] scaled_moved_pair_2 = shift_7[4] ? {{2{scaled_moved_pair_1[40]}}, scaled_moved_pair_1} :
        scaled_product[42:0];
    wire [42:0] scaled_moved_pair = shift_7[5] ? {43{shift_7[4]}} : scaled_moved_pair_2;
    reg [42:0] scaled_shifted = 43'd0;
    wire scaled_lost_pair_n2_1 = shift_fours[2] ? ((|scaled_shifted[42:34]) & (~(&scaled_shifted[42:34]))) :
        ((|scaled_shifted[42:30]) & (~(&scaled_shifted[42:30])));
    wire scaled_lost_pair_n2 = shift_fours[3] ? shift_fours[2] : scaled_lost_pair_n2_1;
    reg scaled_over_n2 = 1'd0;
    wire [30:0] scaled_moved_pair_n2 = shift_fours[3] ? {31{shift_fours[2]}} : (shift_fours[2] ? scaled_shifted[34:4] :
        scaled_shifted[30:0]);
    reg [30:0] scaled_shifted_n2 = 31'd0;
    wire scaled_lost_pair_n3_1 = shift_ones[0] ? ((|scaled_shifted_n2[30:28]) & (~(&scaled_shifted_n2[30:28]))) :
        ((|scaled_shifted_n2[30:27]) & (~(&scaled_shifted_n2[30:27])));
    wire scaled_lost_pair_n3 = shift_ones[1] ? shift_ones[0] : scaled_lost_pair_n3_1;
    reg scaled_over_n3 = 1'd0;
    wire [27:0] scaled_moved_pair_n3_1 = shift_ones[0] ? scaled_shifted_n2[28:1] : scaled_shifted_n2[27:0];
    wire [27:0] scaled_moved_pair_n3 = shift_ones[1] ? {28{shift_ones[0]}} : scaled_moved_pair_n3_1;
    reg [27:0] scaled_shifted_n3 = 28'd0;
    reg [27:0] scaled_saturated = 28'd0;
    reg [7:0] operand_1 = 8'd0;
    reg [7:0] operand_2 = 8'd0;
    reg [7:0] operand_3 = 8'd0;
    reg [7:0] operand_4 = 8'd0;
    reg [7:0] operand_5 = 8'd0;
    reg [7:0] operand_6 = 8'd0;
    reg [7:0] operand_7 = 8'd0;
    reg [25:0] multiplicand = 26'd0;
    reg [27:0] triple = 28'd0;
    reg [25:0] multiplicand_1 = 26'd0;
    reg [8:0] difference = 9'd0;
    wire [7:0] difference_digits = difference[7:0];
    wire [27:0] digit_value_pair_n8_1 = {{2{multiplicand_1[25]}}, multiplicand_1};
    wire [27:0] digit_value_pair_n5 = difference_digits[1] ? {28{difference_digits[0]}} : (difference_digits[0] ?
        digit_value_pair_n8_1 : 28'd0);
    reg [27:0] digit_0_n2 = 28'd0;
    wire [27:0] digit_value_pair_n6 = difference_digits[3] ? {28{difference_digits[2]}} : (difference_digits[2] ?
        digit_value_pair_n8_1 : 28'd0);
    reg [27:0] digit_1_n2 = 28'd0;
    wire [27:0] digit_value_pair_n7 = difference_digits[5] ? {28{difference_digits[4]}} : (difference_digits[4] ?
        digit_value_pair_n8_1 : 28'd0);
    reg [27:0] digit_2_n2 = 28'd0;
    wire [27:0] digit_value_pair_n8 = difference_digits[7] ? {28{difference_digits[6]}} : (difference_digits[6] ?
        digit_value_pair_n8_1 : 28'd0);
    reg [27:0] digit_3_n2 = 28'd0;
    reg difference_sign = 1'd0;
    reg difference_sign_later_1 = 1'd0;
    reg difference_sign_later_2 = 1'd0;
    reg [25:0] multiplicand_later_1 = 26'd0;
    reg [25:0] multiplicand_later_2 = 26'd0;
    reg [25:0] multiplicand_later_3 = 26'd0;
    reg [30:0] digits_low = 31'd0;
    reg [30:0] digits_high = 31'd0;
    reg [36:0] digits_all = 37'd0;
    reg [34:0] operand_product = 35'd0;
    reg operand_sign_1 = 1'd0;
    reg operand_sign_2 = 1'd0;
    reg operand_sign_3 = 1'd0;
    wire operand_lost_pair = instruction_operand_shift[5] ? instruction_operand_shift[4] :
        (instruction_operand_shift[4] ? 1'd0 : 1'd0);
    reg operand_over = 1'd0;
    wire [18:0] operand_moved_pair_1 = operand_product[34:16];
    wire [34:0] operand_moved_pair_2 = instruction_operand_shift[4] ? {{16{operand_moved_pair_1[18]}},
        operand_moved_pair_1} : operand_product;
    wire [34:0] operand_moved_pair = instruction_operand_shift[5] ? {35{instruction_operand_shift[4]}} :
        operand_moved_pair_2;
    reg [34:0] operand_shifted = 35'd0;
    wire operand_lost_pair_n2_1 = instruction_operand_shift[2] ? 1'd0 : ((|operand_shifted[34:30]) &
        (~(&operand_shifted[34:30])));
    wire operand_lost_pair_n2 = instruction_operand_shift[3] ? instruction_operand_shift[2] : operand_lost_pair_n2_1;
    reg operand_over_n2 = 1'd0;
    wire [30:0] operand_moved_pair_n2_1 = instruction_operand_shift[2] ? operand_shifted[34:4] : operand_shifted[30:0];
    wire [30:0] operand_moved_pair_n2 = instruction_operand_shift[3] ? {31{instruction_operand_shift[2]}} :
        operand_moved_pair_n2_1;
    reg [30:0] operand_shifted_n2 = 31'd0;
    wire operand_lost_pair_n3_1 = (|operand_shifted_n2[30:28]) & (~(&operand_shifted_n2[30:28]));
    wire operand_lost_pair_n3_2 = (|operand_shifted_n2[30:27]) & (~(&operand_shifted_n2[30:27]));
    wire operand_lost_pair_n3_3 = instruction_operand_shift[0] ? operand_lost_pair_n3_1 : operand_lost_pair_n3_2;
    wire operand_lost_pair_n3 = instruction_operand_shift[1] ? instruction_operand_shift[0] : operand_lost_pair_n3_3;
    reg operand_over_n3 = 1'd0;
    wire [27:0] operand_moved_pair_n3_1 = instruction_operand_shift[0] ? operand_shifted_n2[28:1] :
        operand_shifted_n2[27:0];
    wire [27:0] operand_moved_pair_n3 = instruction_operand_shift[1] ? {28{instruction_operand_shift[0]}} :
        operand_moved_pair_n3_1;
    reg [27:0] operand_shifted_n3 = 28'd0;
    reg [27:0] operand_saturated = 28'd0;
    reg [27:0] scaled_1 = 28'd0;
    reg [27:0] scaled_2 = 28'd0;
    reg [27:0] scaled_3 = 28'd0;
    reg [27:0] scaled_4 = 28'd0;
    reg [27:0] scaled_5 = 28'd0;
    reg [27:0] scaled_6 = 28'd0;
    reg [27:0] scaled_7 = 28'd0;
    reg [27:0] scaled_8 = 28'd0;
    reg [27:0] scaled_9 = 28'd0;
    reg [27:0] scaled_10 = 28'd0;
    reg [27:0] scaled_added = 28'd0;
    // Zero point and half a step: of a byte, or of a wide value.
    reg [1:0] half_1 = 2'd0;
    reg [1:0] half_2 = 2'd0;
    reg [1:0] half_3 = 2'd0;
    reg [1:0] half_4 = 2'd0;
    reg [1:0] half_5 = 2'd0;
    reg [1:0] half_6 = 2'd0;
    reg [1:0] half_7 = 2'd0;
    reg [1:0] half_8 = 2'd0;
    reg [1:0] half_9 = 2'd0;
    reg [1:0] half_10 = 2'd0;
    reg [1:0] half_11 = 2'd0;
    reg [1:0] half_12 = 2'd0;
    reg [1:0] half_13 = 2'd0;
    reg [1:0] half_14 = 2'd0;
    reg [1:0] half_15 = 2'd0;
    reg [1:0] half_16 = 2'd0;
    reg [1:0] half_17 = 2'd0;
    reg [1:0] half_18 = 2'd0;
    reg [1:0] half_19 = 2'd0;
    reg [1:0] half_20 = 2'd0;
    reg [1:0] half_21 = 2'd0;
    wire [15:0] rounding_1 = {instruction_zero, (~instruction_zero[7]), instruction_zero[6:0]};
    wire [28:0] rounding = half_21[0] ? {{{1{rounding_1[15]}}, rounding_1}, 1'd1, 11'd0} : {{{5{instruction_zero[7]}},
        instruction_zero}, 1'd1, 15'd0};
    reg [28:0] operand_offset = 29'd0;
    // Rounded sum, clamp. Both kinds are compared in steps of a wide value's fraction: a byte is below
    // `lo` or above `hi` whatever those of its fractional bits are that a wide value counts.
    reg [1:0] half_1_n2 = 2'd0;
    reg [29:0] total = 30'd0;
    wire [17:0] y = total[29:12];
    reg [17:0] low_limit = 18'd0;
    reg [17:0] high_limit = 18'd0;
    reg [1:0] half_2_n2 = 2'd0;
    reg below = 1'd0;
    reg above = 1'd0;
    reg [7:0] y_byte = 8'd0;
    reg [7:0] clamped = 8'd0;
    reg write_1 = 1'd0;
    reg [10:0] write_address_1 = 11'd0;
    reg [31:0] write_data_1 = 32'd0;
    wire [31:0] table_memory_read_data;
    reg [7:0] plain_1 = 8'd0;
    reg [7:0] plain_2 = 8'd0;
    reg [7:0] result_byte = 8'd0;
    wire [33:0] digit_2_next_1 = {{{1{sum_2[31]}}, sum_2}, 1'd0};
    wire [33:0] digit_0_next_1 = (digit_value_pair & sum_triple) | ((~digit_value_pair) & digit_2_next_1);
    wire [33:0] digit_1_next_1 = (digit_value_pair_n2 & sum_triple) | ((~digit_value_pair_n2) & digit_2_next_1);
    wire [33:0] digit_2_next_2 = (digit_value_pair_n3 & sum_triple) | ((~digit_value_pair_n3) & digit_2_next_1);
    wire [36:0] digits_pair_next_1 = {{3{digit_0[33]}}, digit_0} + {{{1{digit_1[33]}}, digit_1}, 2'd0};
    wire [36:0] digits_pair_n2_next_1 = {{3{digit_2[33]}}, digit_2} + {{{1{digit_3[33]}}, digit_3}, 2'd0};
    wire [31:0] product_middle_next_1 = digits_sum_later[38:7];
    wire [35:0] product_middle_next_2 = low_product + {{4{product_middle_next_1[31]}}, product_middle_next_1};
    wire [18:0] scaled_product_next_1 = product_middle[35:17];
    wire [32:0] scaled_product_next_2 = product_high + {{14{scaled_product_next_1[18]}}, scaled_product_next_1};
    wire [8:0] scaled_shifted_next_1 = scaled_product[56:48];
    wire [42:0] scaled_shifted_next_2 = scaled_moved_pair & {{34{scaled_shifted_next_1[8]}}, scaled_shifted_next_1};
    wire [24:0] scaled_shifted_next_3 = scaled_product[56:32];
    wire [42:0] scaled_shifted_next_4 = (~scaled_moved_pair) & {{18{scaled_shifted_next_3[24]}},
        scaled_shifted_next_3};
    wire [42:0] scaled_shifted_next_5 = shift_7[5] ? (scaled_shifted_next_2 | scaled_shifted_next_4) :
        scaled_moved_pair;
    wire scaled_over_n2_next_1 = (~scaled_lost_pair_n2) & ((|scaled_shifted[42:38]) & (~(&scaled_shifted[42:38])));
    wire scaled_over_n2_next_2 = scaled_over | (shift_fours[3] ? scaled_over_n2_next_1 : scaled_lost_pair_n2);
    wire [30:0] scaled_shifted_n2_next_1 = (scaled_moved_pair_n2 & scaled_shifted[42:12]) | ((~scaled_moved_pair_n2) &
        scaled_shifted[38:8]);
    wire [30:0] scaled_shifted_n2_next_2 = shift_fours[3] ? scaled_shifted_n2_next_1 : scaled_moved_pair_n2;
    wire scaled_over_n3_next_1 = (~scaled_lost_pair_n3) & ((|scaled_shifted_n2[30:29]) &
        (~(&scaled_shifted_n2[30:29])));
    wire scaled_over_n3_next_2 = scaled_over_n2 | (shift_ones[1] ? scaled_over_n3_next_1 : scaled_lost_pair_n3);
    wire [27:0] scaled_shifted_n3_next_1 = (scaled_moved_pair_n3 & scaled_shifted_n2[30:3]) |
        ((~scaled_moved_pair_n3) & scaled_shifted_n2[29:2]);
    wire [27:0] scaled_shifted_n3_next_2 = shift_ones[1] ? scaled_shifted_n3_next_1 : scaled_moved_pair_n3;
    wire scaled_saturated_next_1 = multiply & ((|scaled_shifted_n3[27:25]) & (~(&scaled_shifted_n3[27:25])));
    wire [26:0] scaled_saturated_next_2 = {(~scaled_sign_3), (multiply ? scaled_sign_3 : (~scaled_sign_3)),
        {25{(~scaled_sign_3)}}};
    wire [27:0] scaled_saturated_next_3 = (scaled_over_n3 | scaled_saturated_next_1) ? {scaled_sign_3,
        scaled_saturated_next_2} : scaled_shifted_n3;
    wire [25:0] multiplicand_next_1 = {{1{instruction_operand_mantissa[24]}}, instruction_operand_mantissa};
    wire [27:0] triple_next_1 = {{2{multiplicand[25]}}, multiplicand} + {{{1{multiplicand[25]}}, multiplicand}, 1'd0};
    wire [8:0] difference_next_1 = {{1{operand_7[7]}}, operand_7} - {{1{instruction_operand_zero[7]}},
        instruction_operand_zero};
    wire [27:0] digit_3_n2_next_1 = {{{1{multiplicand_1[25]}}, multiplicand_1}, 1'd0};
    wire [27:0] digit_0_n2_next_1 = (digit_value_pair_n5 & triple) | ((~digit_value_pair_n5) & digit_3_n2_next_1);
    wire [27:0] digit_0_n2_next_2 = difference_digits[1] ? digit_0_n2_next_1 : digit_value_pair_n5;
    wire [27:0] digit_1_n2_next_1 = (digit_value_pair_n6 & triple) | ((~digit_value_pair_n6) & digit_3_n2_next_1);
    wire [27:0] digit_1_n2_next_2 = difference_digits[3] ? digit_1_n2_next_1 : digit_value_pair_n6;
    wire [27:0] digit_2_n2_next_1 = (digit_value_pair_n7 & triple) | ((~digit_value_pair_n7) & digit_3_n2_next_1);
    wire [27:0] digit_2_n2_next_2 = difference_digits[5] ? digit_2_n2_next_1 : digit_value_pair_n7;
    wire [27:0] digit_3_n2_next_2 = (digit_value_pair_n8 & triple) | ((~digit_value_pair_n8) & digit_3_n2_next_1);
    wire [27:0] digit_3_n2_next_3 = difference_digits[7] ? digit_3_n2_next_2 : digit_value_pair_n8;
    wire [30:0] digits_low_next_1 = {{3{digit_0_n2[27]}}, digit_0_n2} + {{{1{digit_1_n2[27]}}, digit_1_n2}, 2'd0};
    wire [30:0] digits_high_next_1 = {{3{digit_2_n2[27]}}, digit_2_n2} + {{{1{digit_3_n2[27]}}, digit_3_n2}, 2'd0};
    wire [36:0] digits_all_next_1 = {{6{digits_low[30]}}, digits_low} + {{{2{digits_high[30]}}, digits_high}, 4'd0};
    wire [28:0] operand_product_next_1 = {29{difference_sign_later_2}} & {{3{multiplicand_later_3[25]}},
        multiplicand_later_3};
    wire [36:0] operand_product_next_2 = {(digits_all[36:8] - operand_product_next_1), digits_all[7:0]};
    wire [2:0] operand_shifted_next_1 = operand_product[34:32];
    wire [34:0] operand_shifted_next_2 = (~operand_moved_pair) & {{32{operand_shifted_next_1[2]}},
        operand_shifted_next_1};
    wire [34:0] operand_shifted_next_3 = (operand_moved_pair & {35{operand_product[34]}}) | operand_shifted_next_2;
    wire [34:0] operand_shifted_next_4 = instruction_operand_shift[5] ? operand_shifted_next_3 : operand_moved_pair;
    wire operand_over_n2_next_1 = operand_over | (instruction_operand_shift[3] ? 1'd0 : operand_lost_pair_n2);
    wire [22:0] operand_shifted_n2_next_1 = operand_shifted[34:12];
    wire [30:0] operand_shifted_n2_next_2 = {{8{operand_shifted_n2_next_1[22]}}, operand_shifted_n2_next_1};
    wire [26:0] operand_shifted_n2_next_3 = operand_shifted[34:8];
    wire [30:0] operand_shifted_n2_next_4 = {{4{operand_shifted_n2_next_3[26]}}, operand_shifted_n2_next_3};
    wire [30:0] operand_shifted_n2_next_5 = (operand_moved_pair_n2 & operand_shifted_n2_next_2) |
        ((~operand_moved_pair_n2) & operand_shifted_n2_next_4);
    wire [30:0] operand_shifted_n2_next_6 = instruction_operand_shift[3] ? operand_shifted_n2_next_5 :
        operand_moved_pair_n2;
    wire operand_over_n3_next_1 = (|operand_shifted_n2[30:29]) & (~(&operand_shifted_n2[30:29]));
    wire operand_over_n3_next_2 = instruction_operand_shift[1] ? ((~operand_lost_pair_n3) & operand_over_n3_next_1) :
        operand_lost_pair_n3;
    wire [27:0] operand_shifted_n3_next_1 = (operand_moved_pair_n3 & operand_shifted_n2[30:3]) |
        ((~operand_moved_pair_n3) & operand_shifted_n2[29:2]);
    wire [27:0] operand_shifted_n3_next_2 = instruction_operand_shift[1] ? operand_shifted_n3_next_1 :
        operand_moved_pair_n3;
    wire [27:0] operand_saturated_next_1 = operand_over_n3 ? {operand_sign_3, {27{(~operand_sign_3)}}} :
        operand_shifted_n3;
    wire [28:0] operand_offset_next_1 = {29{instruction_operand_on}} & {{1{operand_saturated[27]}}, operand_saturated};
    wire [29:0] total_next_1 = {{2{scaled_added[27]}}, scaled_added} + {{1{operand_offset[28]}}, operand_offset};
    wire [15:0] low_limit_next_1 = {instruction_lo, (~instruction_lo[7]), instruction_lo[6:0]};
    wire [11:0] low_limit_next_2 = {instruction_lo, 4'd0};
    wire [17:0] low_limit_next_3 = half_1_n2[0] ? {{2{low_limit_next_1[15]}}, low_limit_next_1} :
        {{6{low_limit_next_2[11]}}, low_limit_next_2};
    wire [15:0] high_limit_next_1 = {instruction_hi, (~instruction_hi[7]), instruction_hi[6:0]};
    wire [11:0] high_limit_next_2 = {instruction_hi, 4'd15};
    wire [17:0] high_limit_next_3 = half_1_n2[0] ? {{2{high_limit_next_1[15]}}, high_limit_next_1} :
        {{6{high_limit_next_2[11]}}, high_limit_next_2};
    wire [7:0] y_byte_next_1 = half_2_n2[0] ? (half_2_n2[1] ? {(~y[7]), y[6:0]} : y[15:8]) : y[11:4];
    wire [7:0] result_byte_next_1 = plain_2[0] ? table_memory_read_data[31:24] : table_memory_read_data[23:16];
    wire [7:0] result_byte_next_2 = plain_2[0] ? table_memory_read_data[15:8] : table_memory_read_data[7:0];
    wire [7:0] result_byte_next_3 = instruction_table_on ? (plain_2[1] ? result_byte_next_1 : result_byte_next_2) :
        plain_2;
    wire [11:0] table_memory_read_address_1 = {instruction_table, (~clamped[7]), clamped[6:0]};
    assign result = result_byte;
    multiplier_s15x18 high (
        .clock(clock),
        .a(sum_3[31:17]),
        .b(mantissa_3),
        .product(high_product)
    );
    multiplier_s18x18 low (
        .clock(clock),
        .a({1'd0, sum_3[16:0]}),
        .b(mantissa_3),
        .product(low_product)
    );
    ram_512x32 table_memory (
        .clock(clock),
        .write_enable(write_1),
        .write_address(write_address_1[10:2]),
        .write_data(write_data_1),
        .read_address(table_memory_read_address_1[10:2]),
        .read_data(table_memory_read_data)
    );
    always @(posedge clock) begin
        sum_1 <= (sum + channel[31:0]);
        mantissa_1 <= channel[56:32];
        negative_1 <= channel[81:57];
        sum_2 <= sum_1;
        sum_triple <= ({{2{sum_1[31]}}, sum_1} + {{{1{sum_1[31]}}, sum_1}, 1'd0});
        mantissa_2 <= (sum_1[31] ? negative_1 : mantissa_1);
        digit_0 <= (mantissa_digits[1] ? digit_0_next_1 : digit_value_pair);
        digit_1 <= (mantissa_digits[3] ? digit_1_next_1 : digit_value_pair_n2);
        digit_2 <= (mantissa_digits[5] ? digit_2_next_2 : digit_value_pair_n3);
        digit_3 <= digit_value_pair_n4;
        digits_pair <= digits_pair_next_1;
        digits_pair_n2 <= digits_pair_n2_next_1;
        digits_sum <= ({{4{digits_pair[36]}}, digits_pair} + {digits_pair_n2, 4'd0});
        product_middle <= product_middle_next_2;
        product_low <= digits_sum_later[6:0];
        product_high <= high_product;
        scaled_product <= {scaled_product_next_2, product_middle[16:0], product_low};
        shift_1 <= channel[87:82];
        shift_2 <= shift_1;
        shift_3 <= shift_2;
        shift_4 <= shift_3;
        shift_5 <= shift_4;
        shift_6 <= shift_5;
        shift_7 <= shift_6;
        shift_fours <= shift_7[3:0];
        shift_ones <= shift_fours[1:0];
        scaled_sign_1 <= scaled_product[56];
        scaled_sign_2 <= scaled_sign_1;
        scaled_sign_3 <= scaled_sign_2;
        scaled_over <= (shift_7[5] ? 1'd0 : scaled_lost_pair);
        scaled_shifted <= scaled_shifted_next_5;
        scaled_over_n2 <= scaled_over_n2_next_2;
        scaled_shifted_n2 <= scaled_shifted_n2_next_2;
        scaled_over_n3 <= scaled_over_n3_next_2;
        scaled_shifted_n3 <= scaled_shifted_n3_next_2;
        scaled_saturated <= scaled_saturated_next_3;
        operand_1 <= operand;
        operand_2 <= operand_1;
        operand_3 <= operand_2;
        operand_4 <= operand_3;
        operand_5 <= operand_4;
        operand_6 <= operand_5;
        operand_7 <= operand_6;
        multiplicand <= (multiply ? scaled_saturated[25:0] : multiplicand_next_1);
        triple <= triple_next_1;
        multiplicand_1 <= multiplicand;
        difference <= difference_next_1;
        digit_0_n2 <= digit_0_n2_next_2;
        digit_1_n2 <= digit_1_n2_next_2;
        digit_2_n2 <= digit_2_n2_next_2;
        digit_3_n2 <= digit_3_n2_next_3;
        difference_sign <= difference[8];
        difference_sign_later_1 <= difference_sign;
        difference_sign_later_2 <= difference_sign_later_1;
        multiplicand_later_1 <= multiplicand_1;
        multiplicand_later_2 <= multiplicand_later_1;
        multiplicand_later_3 <= multiplicand_later_2;
        digits_low <= digits_low_next_1;
        digits_high <= digits_high_next_1;
        digits_all <= digits_all_next_1;
        operand_product <= operand_product_next_2[34:0];
        operand_sign_1 <= operand_product[34];
        operand_sign_2 <= operand_sign_1;
        operand_sign_3 <= operand_sign_2;
        operand_over <= (instruction_operand_shift[5] ? 1'd0 : operand_lost_pair);
        operand_shifted <= operand_shifted_next_4;
        operand_over_n2 <= operand_over_n2_next_1;
        operand_shifted_n2 <= operand_shifted_n2_next_6;
        operand_over_n3 <= (operand_over_n2 | operand_over_n3_next_2);
        operand_shifted_n3 <= operand_shifted_n3_next_2;
        operand_saturated <= operand_saturated_next_1;
        scaled_1 <= scaled_saturated;
        scaled_2 <= scaled_1;
        scaled_3 <= scaled_2;
        scaled_4 <= scaled_3;
        scaled_5 <= scaled_4;
        scaled_6 <= scaled_5;
        scaled_7 <= scaled_6;
        scaled_8 <= scaled_7;
        scaled_9 <= scaled_8;
        scaled_10 <= scaled_9;
        scaled_added <= (scaled_10 & {28{(~multiply)}});
        half_1 <= channel[89:88];
        half_2 <= half_1;
        half_3 <= half_2;
        half_4 <= half_3;
        half_5 <= half_4;
        half_6 <= half_5;
        half_7 <= half_6;
        half_8 <= half_7;
        half_9 <= half_8;
        half_10 <= half_9;
        half_11 <= half_10;
        half_12 <= half_11;
        half_13 <= half_12;
        half_14 <= half_13;
        half_15 <= half_14;
        half_16 <= half_15;
        half_17 <= half_16;
        half_18 <= half_17;
        half_19 <= half_18;
        half_20 <= half_19;
        half_21 <= half_20;
        operand_offset <= (operand_offset_next_1 + rounding);
        half_1_n2 <= half_21;
        total <= total_next_1;
        low_limit <= low_limit_next_3;
        high_limit <= high_limit_next_3;
        half_2_n2 <= half_1_n2;
        below <= ($signed(y) < $signed(low_limit));
        above <= ($signed(high_limit) < $signed(y));
        y_byte <= y_byte_next_1;
        clamped <= (below ? instruction_lo : (above ? instruction_hi : y_byte));
        write_1 <= table_write;
        write_address_1 <= table_address;
        write_data_1 <= table_data;
        plain_1 <= clamped;
        plain_2 <= plain_1;
        result_byte <= result_byte_next_3;
    end
endmodule

// Requantises a column and collects its bytes.
module compute_post(
    clock, instruction, phase, active, drained, operand, channel, table_write, table_address,
    table_data, value
);
    input wire clock;
    input wire [1023:0] instruction;
    input wire [5:0] phase;
    input wire active;
    input wire [127:0] drained;
    input wire [31:0] operand;
    input wire [89:0] channel;
    input wire table_write;
    input wire [10:0] table_address;
    input wire [31:0] table_data;
    output wire [31:0] value;
    // The lane served by every requantiser in this cycle, and whether one is.
    reg [1:0] turn = 2'd0;
    // turn_at[k] can be seen k cycles before lane group k's sums are selected.
    reg [1:0] turn_spread_1 = 2'd0;
    reg [1:0] operand_turn_1 = 2'd0;
    reg [1:0] operand_turn_2 = 2'd0;
    reg [1:0] operand_turn_3 = 2'd0;
    reg [1:0] operand_turn_4 = 2'd0;
    reg [1:0] operand_turn_5 = 2'd0;
    reg sum_select_0 = 1'd0;
    reg sum_select_0_n2 = 1'd0;
    reg [31:0] sum_0_s1 = 32'd0;
    reg [31:0] sum_0_s2 = 32'd0;
    reg operand_select_0 = 1'd0;
    reg operand_select_0_n2 = 1'd0;
    reg [7:0] operand_0_s1 = 8'd0;
    reg [7:0] operand_0_s2 = 8'd0;
    wire [7:0] operand_0_late = operand_0_s2;
    wire [7:0] requantiser_0_result;
    wire [7:0] result_0 = requantiser_0_result;
    reg sum_select_1 = 1'd0;
    reg sum_select_1_n2 = 1'd0;
    reg [31:0] sum_1_s1 = 32'd0;
    reg [31:0] sum_1_s2 = 32'd0;
    reg operand_select_1 = 1'd0;
    reg operand_select_1_n2 = 1'd0;
    reg [7:0] operand_1_s1 = 8'd0;
    reg [7:0] operand_1_s2 = 8'd0;
    wire [7:0] operand_1_late = operand_1_s2;
    wire [7:0] requantiser_1_result;
    wire [7:0] result_1 = requantiser_1_result;
    // Bytes come in the order of turns; those of the last turn complete the column.
    reg [1:0] turn_end_1 = 2'd0;
    reg [1:0] turn_end_2 = 2'd0;
    reg [1:0] turn_end_3 = 2'd0;
    reg [1:0] turn_end_4 = 2'd0;
    reg [1:0] turn_end_5 = 2'd0;
    reg [1:0] turn_end_6 = 2'd0;
    reg [1:0] turn_end_7 = 2'd0;
    reg [1:0] turn_end_8 = 2'd0;
    reg [1:0] turn_end_9 = 2'd0;
    reg [1:0] turn_end_10 = 2'd0;
    reg [1:0] turn_end_11 = 2'd0;
    reg [1:0] turn_end_12 = 2'd0;
    reg [1:0] turn_end_13 = 2'd0;
    reg [1:0] turn_end_14 = 2'd0;
    reg [1:0] turn_end_15 = 2'd0;
    reg [1:0] turn_end_16 = 2'd0;
    reg [1:0] turn_end_17 = 2'd0;
    reg [1:0] turn_end_18 = 2'd0;
    reg [1:0] turn_end_19 = 2'd0;
    reg [1:0] turn_end_20 = 2'd0;
    reg [1:0] turn_end_21 = 2'd0;
    reg [1:0] turn_end_22 = 2'd0;
    reg [1:0] turn_end_23 = 2'd0;
    reg [1:0] turn_end_24 = 2'd0;
    reg [1:0] turn_end_25 = 2'd0;
    reg [1:0] turn_end_26 = 2'd0;
    reg [1:0] turn_end_27 = 2'd0;
    reg [1:0] turn_end_28 = 2'd0;
    reg [1:0] turn_end_29 = 2'd0;
    reg [1:0] turn_end_30 = 2'd0;
    reg [1:0] turn_end_31 = 2'd0;
    wire complete = turn_end_31[0] & (turn_end_31[1] == 1'd1);
    reg [7:0] byte_0 = 8'd0;
    reg [7:0] held_0 = 8'd0;
    reg [7:0] held_1 = 8'd0;
    reg [7:0] byte_2 = 8'd0;
    reg [7:0] held_2 = 8'd0;
    reg [7:0] held_3 = 8'd0;
    wire [31:0] sum_0_s1_next_1 = ({32{sum_select_0}} & drained[31:0]) | ({32{sum_select_0_n2}} & drained[63:32]);
    wire [7:0] operand_0_s1_next_1 = ({8{operand_select_0}} & operand[7:0]) | ({8{operand_select_0_n2}} &
        operand[15:8]);
    wire [31:0] sum_1_s1_next_1 = ({32{sum_select_1}} & drained[95:64]) | ({32{sum_select_1_n2}} & drained[127:96]);
    wire [7:0] operand_1_s1_next_1 = ({8{operand_select_1}} & operand[23:16]) | ({8{operand_select_1_n2}} &
        operand[31:24]);
    assign value = {held_3, held_2, held_1, held_0};
    compute_requantiser requantiser_0 (
        .clock(clock),
        .instruction(instruction),
        .sum(sum_0_s2),
        .channel(channel),
        .operand(operand_0_late),
        .table_write(table_write),
        .table_address(table_address),
        .table_data(table_data),
        .result(requantiser_0_result)
    );
    compute_requantiser requantiser_1 (
        .clock(clock),
        .instruction(instruction),
        .sum(sum_1_s2),
        .channel(channel),
        .operand(operand_1_late),
        .table_write(table_write),
        .table_address(table_address),
        .table_data(table_data),
        .result(requantiser_1_result)
    );
    always @(posedge clock) begin
        turn <= {phase[0], (active & (phase < 6'd2))};
        turn_spread_1 <= turn;
        operand_turn_1 <= turn_spread_1;
        operand_turn_2 <= operand_turn_1;
        operand_turn_3 <= operand_turn_2;
        operand_turn_4 <= operand_turn_3;
        operand_turn_5 <= operand_turn_4;
        sum_select_0 <= (turn_spread_1[0] & (turn_spread_1[1] == 1'd0));
        sum_select_0_n2 <= (turn_spread_1[0] & (turn_spread_1[1] == 1'd1));
        sum_0_s1 <= sum_0_s1_next_1;
        sum_0_s2 <= sum_0_s1;
        operand_select_0 <= (operand_turn_5[0] & (operand_turn_5[1] == 1'd0));
        operand_select_0_n2 <= (operand_turn_5[0] & (operand_turn_5[1] == 1'd1));
        operand_0_s1 <= operand_0_s1_next_1;
        operand_0_s2 <= operand_0_s1;
        sum_select_1 <= (turn_spread_1[0] & (turn_spread_1[1] == 1'd0));
        sum_select_1_n2 <= (turn_spread_1[0] & (turn_spread_1[1] == 1'd1));
        sum_1_s1 <= sum_1_s1_next_1;
        sum_1_s2 <= sum_1_s1;
        operand_select_1 <= (operand_turn_5[0] & (operand_turn_5[1] == 1'd0));
        operand_select_1_n2 <= (operand_turn_5[0] & (operand_turn_5[1] == 1'd1));
        operand_1_s1 <= operand_1_s1_next_1;
        operand_1_s2 <= operand_1_s1;
        turn_end_1 <= turn_spread_1;
        turn_end_2 <= turn_end_1;
        turn_end_3 <= turn_end_2;
        turn_end_4 <= turn_end_3;
        turn_end_5 <= turn_end_4;
        turn_end_6 <= turn_end_5;
        turn_end_7 <= turn_end_6;
        turn_end_8 <= turn_end_7;
        turn_end_9 <= turn_end_8;
        turn_end_10 <= turn_end_9;
        turn_end_11 <= turn_end_10;
        turn_end_12 <= turn_end_11;
        turn_end_13 <= turn_end_12;
        turn_end_14 <= turn_end_13;
        turn_end_15 <= turn_end_14;
        turn_end_16 <= turn_end_15;
        turn_end_17 <= turn_end_16;
        turn_end_18 <= turn_end_17;
        turn_end_19 <= turn_end_18;
        turn_end_20 <= turn_end_19;
        turn_end_21 <= turn_end_20;
        turn_end_22 <= turn_end_21;
        turn_end_23 <= turn_end_22;
        turn_end_24 <= turn_end_23;
        turn_end_25 <= turn_end_24;
        turn_end_26 <= turn_end_25;
        turn_end_27 <= turn_end_26;
        turn_end_28 <= turn_end_27;
        turn_end_29 <= turn_end_28;
        turn_end_30 <= turn_end_29;
        turn_end_31 <= turn_end_30;
        if ((turn_end_31[0] & (turn_end_31[1] == 1'd0))) byte_0 <= result_0;
        if (complete) held_0 <= byte_0;
        if (complete) held_1 <= result_0;
        if ((turn_end_31[0] & (turn_end_31[1] == 1'd0))) byte_2 <= result_1;
        if (complete) held_2 <= byte_2;
        if (complete) held_3 <= result_1;
    end
endmodule

// Pixels of the next tile, one lane a cycle.
module output_walker(
    clock, issue, start, restart, instruction, reset, push, row, bank, to_end, to_ring, segment
);
    input wire clock;
    input wire issue;
    input wire start;
    input wire restart;
    input wire [1023:0] instruction;
    input wire reset;
    output wire push;
    output wire [14:0] row;
    output wire [1:0] bank;
    output wire [2:0] to_end;
    output wire [2:0] to_ring;
    output wire [1:0] segment;
    // Fields in use.
    wire [5:0] instruction_lanes_less_1 = instruction[72:67];
    wire instruction_line_stop = instruction[73];
    wire [12:0] instruction_width_less_1 = instruction[105:93];
    wire [12:0] instruction_lines = instruction[118:106];
    wire [5:0] instruction_line_step = instruction[124:119];
    wire [15:0] instruction_output_base_row = instruction[818:803];
    wire [5:0] instruction_output_base_bank = instruction[824:819];
    wire [15:0] instruction_output_group_row = instruction[840:825];
    wire [5:0] instruction_output_group_bank = instruction[846:841];
    wire [15:0] instruction_output_pixel_row = instruction[862:847];
    wire [5:0] instruction_output_pixel_bank = instruction[868:863];
    wire [15:0] instruction_output_wrap_row = instruction[884:869];
    wire [5:0] instruction_output_wrap_bank = instruction[890:885];
    wire [12:0] instruction_output_ring_line = instruction[903:891];
    wire [5:0] instruction_output_segment_lanes_less_1 = instruction[975:970];
    // Stage 0: which lanes take a pixel, and where lines end.
    wire go = issue | start;
    wire rewind = issue | (start & restart);
    reg active = 1'd0;
    reg [1:0] count = 2'd0;
    reg count_zero = 1'd0;
    reg [5:0] lane_left = 6'd0;
    reg lane_zero = 1'd0;
    reg in_tile = 1'd0;
    reg stopped = 1'd0;
    wire take = (active & in_tile) & (~stopped);
    reg [12:0] x_left = 13'd0;
    reg line_end = 1'd0;
    wire new_line = rewind | (take & line_end);
    reg [5:0] segment_left = 6'd0;
    reg segment_full = 1'd0;
    reg [1:0] segment_r = 2'd0;
    wire next_segment = take & (line_end | segment_full);
    wire segment_load = go | next_segment;
    // Addresses of the group that is walked next.
    reg [1:0] group_step = 2'd0;
    reg [3:0] group_less = 4'd0;
    reg [1:0] group_bank = 2'd0;
    reg [14:0] group_row = 15'd0;
    reg [1:0] next_bank = 2'd0;
    reg next_carry = 1'd0;
    reg [14:0] next_row = 15'd0;
    wire [1:0] first_bank = issue ? instruction_output_base_bank[1:0] : next_bank;
    wire [14:0] first_row = issue ? instruction_output_base_row[14:0] : next_row;
    // Stage 1: bank and line.
    reg [3:0] pixel_less = 4'd0;
    reg [3:0] wrap_less = 4'd0;
    reg [1:0] step_1 = 2'd0;
    reg [3:0] less_1 = 4'd0;
    reg [14:0] row_step_1 = 15'd0;
    // The walk behind the last tile of an instruction may still be under way when the next is issued.
    reg push_1 = 1'd0;
    reg take_1 = 1'd0;
    reg line_1 = 1'd0;
    reg [1:0] bank_1 = 2'd0;
    reg [14:0] remaining = 15'd0;
    // Stage 2: row and coordinates.
    reg carry_2 = 1'd0;
    reg [14:0] row_step_2 = 15'd0;
    reg push_2 = 1'd0;
    reg take_2 = 1'd0;
    reg [1:0] bank_2 = 2'd0;
    reg [14:0] row_2 = 15'd0;
    reg [14:0] ring_left = 15'd0;
    reg [2:0] end_2 = 3'd0;
    reg [2:0] ring_2 = 3'd0;
    reg [1:0] segment_1 = 2'd0;
    reg [1:0] segment_2 = 2'd0;
    wire stopped_next_1 = (~go) & (stopped | ((take & line_end) & instruction_line_stop));
    wire line_end_next_1 = new_line ? (~(|instruction_width_less_1)) : (x_left == 13'd1);
    wire [5:0] segment_left_next_1 = segment_load ? instruction_output_segment_lanes_less_1 : (segment_left - 6'd1);
    wire segment_full_next_1 = segment_load ? (~(|instruction_output_segment_lanes_less_1)) : (segment_left == 6'd1);
    wire [3:0] next_bank_next_1 = {2'd0, group_bank} + group_less;
    wire [2:0] next_bank_next_2 = {1'd0, group_bank} + {1'd0, group_step};
    wire [1:0] next_bank_next_3 = next_bank_next_1[3] ? next_bank_next_2[1:0] : next_bank_next_1[1:0];
    wire [15:0] next_row_next_1 = {group_row, next_carry} + {instruction_output_group_row[14:0], next_carry};
    wire [1:0] step_1_next_1 = line_end ? instruction_output_wrap_bank[1:0] : instruction_output_pixel_bank[1:0];
    wire [14:0] row_step_1_next_1 = line_end ? instruction_output_wrap_row[14:0] : instruction_output_pixel_row[14:0];
    wire [3:0] bank_1_next_1 = {2'd0, bank_1} + less_1;
    wire [2:0] bank_1_next_2 = {1'd0, bank_1} + {1'd0, step_1};
    wire [1:0] bank_1_next_3 = rewind ? first_bank : (bank_1_next_1[3] ? bank_1_next_2[1:0] : bank_1_next_1[1:0]);
    wire [14:0] remaining_next_1 = rewind ? {2'd0, instruction_lines} : (remaining - {9'd0, instruction_line_step});
    wire [15:0] row_2_next_1 = {row_2, carry_2} + {row_step_2, carry_2};
    wire [14:0] ring_left_next_1 = rewind ? {2'd0, instruction_output_ring_line} : (ring_left - {9'd0,
        instruction_line_step});
    wire [2:0] end_2_next_1 = {3{(~remaining[14])}} & ({3{(|remaining[13:3])}} | remaining[2:0]);
    wire [2:0] ring_2_next_1 = {3{(~ring_left[14])}} & ({3{(|ring_left[13:3])}} | ring_left[2:0]);
    assign push = push_2;
    assign row = row_2;
    assign bank = bank_2;
    assign to_end = end_2;
    assign to_ring = ring_2;
    assign segment = segment_2;
    always @(posedge clock) begin
        count <= (go ? 2'd3 : (count - 2'd1));
        count_zero <= ((~go) & (count == 2'd1));
        lane_left <= (go ? instruction_lanes_less_1 : (lane_left - 6'd1));
        lane_zero <= (go ? (~(|instruction_lanes_less_1)) : (lane_left == 6'd1));
        in_tile <= (go | (in_tile & (~lane_zero)));
        stopped <= stopped_next_1;
        if ((rewind | take)) x_left <= (new_line ? instruction_width_less_1 : (x_left - 13'd1));
        if ((rewind | take)) line_end <= line_end_next_1;
        if ((go | take)) segment_left <= segment_left_next_1;
        if ((go | take)) segment_full <= segment_full_next_1;
        if (segment_load) segment_r <= (go ? 2'd0 : (segment_r + 2'd1));
        group_step <= instruction_output_group_bank[1:0];
        group_less <= ({2'd0, instruction_output_group_bank[1:0]} - 4'd4);
        if (rewind) group_bank <= first_bank;
        if (rewind) group_row <= first_row;
        next_bank <= next_bank_next_3;
        next_carry <= (~next_bank_next_1[3]);
        next_row <= next_row_next_1[15:1];
        pixel_less <= ({2'd0, instruction_output_pixel_bank[1:0]} - 4'd4);
        wrap_less <= ({2'd0, instruction_output_wrap_bank[1:0]} - 4'd4);
        step_1 <= step_1_next_1;
        less_1 <= (line_end ? wrap_less : pixel_less);
        row_step_1 <= row_step_1_next_1;
        push_1 <= (active & (~issue));
        take_1 <= (take & (~issue));
        line_1 <= ((take & line_end) & (~issue));
        if ((rewind | take_1)) bank_1 <= bank_1_next_3;
        if ((rewind | line_1)) remaining <= remaining_next_1;
        carry_2 <= (~bank_1_next_1[3]);
        row_step_2 <= row_step_1;
        push_2 <= (push_1 & (~issue));
        take_2 <= (take_1 & (~issue));
        bank_2 <= bank_1;
        if ((rewind | take_2)) row_2 <= (rewind ? first_row : row_2_next_1[15:1]);
        if ((rewind | line_1)) ring_left <= ring_left_next_1;
        end_2 <= ({3{take_1}} & end_2_next_1);
        ring_2 <= ring_2_next_1;
        segment_1 <= segment_r;
        segment_2 <= segment_1;
        if (reset) begin
            active <= 1'd0;
        end else begin
            active <= (go | (active & (~count_zero)));
        end
    end
endmodule

// Crossbar from lanes to banks.
module write_crossbar(clock, bank, enable, value, late, bank_value, bank_late, bank_enable);
    input wire clock;
    input wire [7:0] bank;
    input wire [3:0] enable;
    input wire [59:0] value;
    input wire [31:0] late;
    output wire [59:0] bank_value;
    output wire [31:0] bank_late;
    output wire [3:0] bank_enable;
    reg [59:0] value_1 = 60'd0;
    // Bank 0: the lanes that want it, and their value.
    reg code_0 = 1'd0;
    reg code_0_n2 = 1'd0;
    wire [14:0] value_0_pair = code_0_n2 ? {15{code_0}} : (code_0 ? value_1[29:15] : value_1[14:0]);
    reg [14:0] value_0_s1 = 15'd0;
    reg [14:0] value_0_later_1 = 15'd0;
    wire [7:0] late_0_pair = code_0_n2 ? {8{code_0}} : (code_0 ? late[15:8] : late[7:0]);
    reg [7:0] late_0_s1 = 8'd0;
    reg [7:0] late_0_later_1 = 8'd0;
    reg any_0 = 1'd0;
    reg any_0_later_1 = 1'd0;
    reg any_0_later_2 = 1'd0;
    // Bank 1: the lanes that want it, and their value.
    reg code_1 = 1'd0;
    reg code_1_n2 = 1'd0;
    wire [14:0] value_1_pair = code_1_n2 ? {15{code_1}} : (code_1 ? value_1[29:15] : value_1[14:0]);
    reg [14:0] value_1_s1 = 15'd0;
    reg [14:0] value_1_later_1 = 15'd0;
    wire [7:0] late_1_pair = code_1_n2 ? {8{code_1}} : (code_1 ? late[15:8] : late[7:0]);
    reg [7:0] late_1_s1 = 8'd0;
    reg [7:0] late_1_later_1 = 8'd0;
    reg any_1 = 1'd0;
    reg any_1_later_1 = 1'd0;
    reg any_1_later_2 = 1'd0;
    // Bank 2: the lanes that want it, and their value.
    reg code_2 = 1'd0;
    reg code_2_n2 = 1'd0;
    wire [14:0] value_2_pair = code_2_n2 ? {15{code_2}} : (code_2 ? value_1[29:15] : value_1[14:0]);
    reg [14:0] value_2_s1 = 15'd0;
    reg [14:0] value_2_later_1 = 15'd0;
    wire [7:0] late_2_pair = code_2_n2 ? {8{code_2}} : (code_2 ? late[15:8] : late[7:0]);
    reg [7:0] late_2_s1 = 8'd0;
    reg [7:0] late_2_later_1 = 8'd0;
    reg any_2 = 1'd0;
    reg any_2_later_1 = 1'd0;
    reg any_2_later_2 = 1'd0;
    // Bank 3: the lanes that want it, and their value.
    reg code_3 = 1'd0;
    reg code_3_n2 = 1'd0;
    wire [14:0] value_3_pair = code_3_n2 ? {15{code_3}} : (code_3 ? value_1[29:15] : value_1[14:0]);
    reg [14:0] value_3_s1 = 15'd0;
    reg [14:0] value_3_later_1 = 15'd0;
    wire [7:0] late_3_pair = code_3_n2 ? {8{code_3}} : (code_3 ? late[15:8] : late[7:0]);
    reg [7:0] late_3_s1 = 8'd0;
    reg [7:0] late_3_later_1 = 8'd0;
    reg any_3 = 1'd0;
    reg any_3_later_1 = 1'd0;
    reg any_3_later_2 = 1'd0;
    wire any_0_next_1 = enable[3] & (bank[7:6] == 2'd0);
    wire any_0_next_2 = enable[1] & (bank[3:2] == 2'd0);
    wire any_0_next_3 = enable[2] & (bank[5:4] == 2'd0);
    wire [14:0] value_0_s1_next_1 = (value_0_pair & value_1[59:45]) | ((~value_0_pair) & value_1[44:30]);
    wire [7:0] late_0_s1_next_1 = code_0_n2 ? ((late_0_pair & late[31:24]) | ((~late_0_pair) & late[23:16])) :
        late_0_pair;
    wire [3:0] any_0_next_4 = {any_0_next_1, any_0_next_3, any_0_next_2, (enable[0] & (bank[1:0] == 2'd0))};
    wire any_1_next_1 = enable[3] & (bank[7:6] == 2'd1);
    wire any_1_next_2 = enable[1] & (bank[3:2] == 2'd1);
    wire any_1_next_3 = enable[2] & (bank[5:4] == 2'd1);
    wire [14:0] value_1_s1_next_1 = (value_1_pair & value_1[59:45]) | ((~value_1_pair) & value_1[44:30]);
    wire [7:0] late_1_s1_next_1 = code_1_n2 ? ((late_1_pair & late[31:24]) | ((~late_1_pair) & late[23:16])) :
        late_1_pair;
    wire [3:0] any_1_next_4 = {any_1_next_1, any_1_next_3, any_1_next_2, (enable[0] & (bank[1:0] == 2'd1))};
    wire any_2_next_1 = enable[3] & (bank[7:6] == 2'd2);
    wire any_2_next_2 = enable[1] & (bank[3:2] == 2'd2);
    wire any_2_next_3 = enable[2] & (bank[5:4] == 2'd2);
    wire [14:0] value_2_s1_next_1 = (value_2_pair & value_1[59:45]) | ((~value_2_pair) & value_1[44:30]);
    wire [7:0] late_2_s1_next_1 = code_2_n2 ? ((late_2_pair & late[31:24]) | ((~late_2_pair) & late[23:16])) :
        late_2_pair;
    wire [3:0] any_2_next_4 = {any_2_next_1, any_2_next_3, any_2_next_2, (enable[0] & (bank[1:0] == 2'd2))};
    wire any_3_next_1 = enable[3] & (bank[7:6] == 2'd3);
    wire any_3_next_2 = enable[1] & (bank[3:2] == 2'd3);
    wire any_3_next_3 = enable[2] & (bank[5:4] == 2'd3);
    wire [14:0] value_3_s1_next_1 = (value_3_pair & value_1[59:45]) | ((~value_3_pair) & value_1[44:30]);
    wire [7:0] late_3_s1_next_1 = code_3_n2 ? ((late_3_pair & late[31:24]) | ((~late_3_pair) & late[23:16])) :
        late_3_pair;
    wire [3:0] any_3_next_4 = {any_3_next_1, any_3_next_3, any_3_next_2, (enable[0] & (bank[1:0] == 2'd3))};
    wire [59:0] bank_value_1 = {value_3_later_1, value_2_later_1, value_1_later_1, value_0_later_1};
    wire [31:0] bank_late_1 = {late_3_later_1, late_2_later_1, late_1_later_1, late_0_later_1};
    assign bank_value = bank_value_1;
    assign bank_late = bank_late_1;
    assign bank_enable = {any_3_later_2, any_2_later_2, any_1_later_2, any_0_later_2};
    always @(posedge clock) begin
        value_1 <= value;
        code_0 <= (any_0_next_1 | (any_0_next_2 & (~any_0_next_3)));
        code_0_n2 <= (any_0_next_1 | any_0_next_3);
        value_0_s1 <= (code_0_n2 ? value_0_s1_next_1 : value_0_pair);
        value_0_later_1 <= value_0_s1;
        late_0_s1 <= late_0_s1_next_1;
        late_0_later_1 <= late_0_s1;
        any_0 <= (|any_0_next_4);
        any_0_later_1 <= any_0;
        any_0_later_2 <= any_0_later_1;
        code_1 <= (any_1_next_1 | (any_1_next_2 & (~any_1_next_3)));
        code_1_n2 <= (any_1_next_1 | any_1_next_3);
        value_1_s1 <= (code_1_n2 ? value_1_s1_next_1 : value_1_pair);
        value_1_later_1 <= value_1_s1;
        late_1_s1 <= late_1_s1_next_1;
        late_1_later_1 <= late_1_s1;
        any_1 <= (|any_1_next_4);
        any_1_later_1 <= any_1;
        any_1_later_2 <= any_1_later_1;
        code_2 <= (any_2_next_1 | (any_2_next_2 & (~any_2_next_3)));
        code_2_n2 <= (any_2_next_1 | any_2_next_3);
        value_2_s1 <= (code_2_n2 ? value_2_s1_next_1 : value_2_pair);
        value_2_later_1 <= value_2_s1;
        late_2_s1 <= late_2_s1_next_1;
        late_2_later_1 <= late_2_s1;
        any_2 <= (|any_2_next_4);
        any_2_later_1 <= any_2;
        any_2_later_2 <= any_2_later_1;
        code_3 <= (any_3_next_1 | (any_3_next_2 & (~any_3_next_3)));
        code_3_n2 <= (any_3_next_1 | any_3_next_3);
        value_3_s1 <= (code_3_n2 ? value_3_s1_next_1 : value_3_pair);
        value_3_later_1 <= value_3_s1;
        late_3_s1 <= late_3_s1_next_1;
        late_3_later_1 <= late_3_s1;
        any_3 <= (|any_3_next_4);
        any_3_later_1 <= any_3;
        any_3_later_2 <= any_3_later_1;
    end
endmodule

// Writes the lanes' bytes to their banks.
module compute_output(
    clock, issue, instruction, begin_column, first, inner, active, restart, reset, value,
    output_row, output_enable, output_data
);
    input wire clock;
    input wire issue;
    input wire [1023:0] instruction;
    input wire begin_column;
    input wire first;
    input wire inner;
    input wire active;
    input wire restart;
    input wire reset;
    input wire [31:0] value;
    output wire [59:0] output_row;
    output wire [3:0] output_enable;
    output wire [31:0] output_data;
    // Fields in use.
    wire instruction_column_y = instruction[92];
    wire [15:0] instruction_output_ring_rows_negated = instruction[919:904];
    wire [15:0] instruction_output_inner_row = instruction[935:920];
    wire [5:0] instruction_output_inner_bank = instruction[941:936];
    wire [15:0] instruction_output_outer_row = instruction[957:942];
    wire [5:0] instruction_output_outer_bank = instruction[963:958];
    reg load_1 = 1'd0;
    reg load_2 = 1'd0;
    reg restart_walk_1 = 1'd0;
    reg restart_walk_2 = 1'd0;
    wire walker_push;
    wire [14:0] walker_row;
    wire [1:0] walker_bank;
    wire [2:0] walker_to_end;
    wire [2:0] walker_to_ring;
    wire [1:0] walker_segment;
    wire [99:0] chain_present;
    wire [14:0] offset_sum_row;
    wire [1:0] offset_sum_bank;
    wire [3:0] offset_sum_less;
    // Output rows of an inner column below the first, and the cycle within the column.
    reg begin_1 = 1'd0;
    reg begin_2 = 1'd0;
    reg inner_1 = 1'd0;
    reg inner_2 = 1'd0;
    reg [2:0] down = 3'd0;
    reg [5:0] phase = 6'd0;
    reg live_1 = 1'd0;
    reg live_2 = 1'd0;
    reg live_3 = 1'd0;
    wire [59:0] lanes_row;
    wire [7:0] lanes_bank;
    wire [3:0] lanes_enable;
    wire [59:0] row_crossbar_bank_value;
    wire [31:0] row_crossbar_bank_late;
    wire [3:0] row_crossbar_bank_enable;
    wire [24:0] chain_state_1 = {walker_segment, walker_to_ring, walker_to_end, walker_row, walker_bank};
    wire [14:0] offset_row_1 = inner ? instruction_output_inner_row[14:0] : instruction_output_outer_row[14:0];
    wire [1:0] offset_bank_1 = inner ? instruction_output_inner_bank[1:0] : instruction_output_outer_bank[1:0];
    assign output_row = row_crossbar_bank_value;
    assign output_enable = row_crossbar_bank_enable;
    assign output_data = row_crossbar_bank_late;
    output_walker walker (
        .clock(clock),
        .issue(issue),
        .start(load_2),
        .restart(restart_walk_2),
        .instruction(instruction),
        .reset(reset),
        .push(walker_push),
        .row(walker_row),
        .bank(walker_bank),
        .to_end(walker_to_end),
        .to_ring(walker_to_ring),
        .segment(walker_segment)
    );
    target_chain chain (
        .clock(clock),
        .push(walker_push),
        .state(chain_state_1),
        .load(load_2),
        .present(chain_present)
    );
    offset offset (
        .clock(clock),
        .advance(begin_column),
        .first(first),
        .row(offset_row_1),
        .bank(offset_bank_1),
        .sum_row(offset_sum_row),
        .sum_bank(offset_sum_bank),
        .sum_less(offset_sum_less)
    );
    target_lanes lanes (
        .clock(clock),
        .present(chain_present),
        .live(live_3),
        .offset_row(offset_sum_row),
        .offset_bank(offset_sum_bank),
        .offset_less(offset_sum_less),
        .ring_less(instruction_output_ring_rows_negated[14:0]),
        .down(down),
        .phase(phase),
        .row(lanes_row),
        .bank(lanes_bank),
        .enable(lanes_enable)
    );
    // The crossbar carries rows and bytes; the bytes come a cycle after the addresses, which is when
    // it has decoded them.
    write_crossbar row_crossbar (
        .clock(clock),
        .bank(lanes_bank),
        .enable(lanes_enable),
        .value(lanes_row),
        .late(value),
        .bank_value(row_crossbar_bank_value),
        .bank_late(row_crossbar_bank_late),
        .bank_enable(row_crossbar_bank_enable)
    );
    always @(posedge clock) begin
        load_1 <= (begin_column & first);
        load_2 <= load_1;
        restart_walk_1 <= restart;
        restart_walk_2 <= restart_walk_1;
        begin_1 <= begin_column;
        begin_2 <= begin_1;
        inner_1 <= inner;
        inner_2 <= inner_1;
        if (begin_2) down <= (inner_2 ? (down + {2'd0, instruction_column_y}) : 3'd0);
        phase <= (begin_2 ? 6'd0 : (phase + 6'd1));
        live_1 <= active;
        live_2 <= live_1;
        live_3 <= live_2;
    end
endmodule

// Executes tile operations on the array.
module compute_engine(
    clock, issue, instruction, gather_data, operand_data, reset, weight_write, weight_word,
    weight_beat, weight_data, channel_write, channel_word, channel_beat, channel_data, table_write,
    table_address, table_data, gather_row, gather_enable, operand_row, operand_enable, output_row,
    output_data, output_enable, done
);
    input wire clock;
    input wire issue;
    input wire [1023:0] instruction;
    input wire [31:0] gather_data;
    input wire [31:0] operand_data;
    input wire reset;
    input wire weight_write;
    input wire [13:0] weight_word;
    input wire weight_beat;
    input wire [31:0] weight_data;
    input wire channel_write;
    input wire [9:0] channel_word;
    input wire [1:0] channel_beat;
    input wire [31:0] channel_data;
    input wire table_write;
    input wire [10:0] table_address;
    input wire [31:0] table_data;
    output wire [59:0] gather_row;
    output wire [3:0] gather_enable;
    output wire [59:0] operand_row;
    output wire [3:0] operand_enable;
    output wire [59:0] output_row;
    output wire [31:0] output_data;
    output wire [3:0] output_enable;
    output wire done;
    // Fields in use.
    wire instruction_operand_on = instruction[589];
    wire instruction_keep = instruction[976];
    wire stepper_group_start;
    wire stepper_group_end;
    wire stepper_last_group;
    wire stepper_op_end;
    wire stepper_valid;
    wire stepper_first;
    wire stepper_last;
    wire [1:0] stepper_level;
    wire [5:0] stepper_slot_less_1;
    // The same signals, later by the lead.
    wire [8:0] step = {stepper_op_end, stepper_last_group, stepper_group_end, stepper_group_start, stepper_level,
        stepper_last, stepper_first, stepper_valid};
    wire at_gather_valid = step[0];
    wire at_gather_first = step[1];
    wire at_gather_last = step[2];
    wire [1:0] at_gather_level = step[4:3];
    wire at_gather_group_start = step[5];
    wire at_gather_group_end = step[6];
    wire at_gather_last_group = step[7];
    wire at_gather_op_end = step[8];
    wire [59:0] gather_gather_row;
    wire [3:0] gather_gather_enable;
    wire gather_high;
    wire [31:0] gather_value;
    // The drain starts four cycles before the first column shows.
    reg [3:0] drain_1 = 4'd0;
    reg [3:0] drain_2 = 4'd0;
    reg [3:0] drain_3 = 4'd0;
    reg [3:0] drain_4 = 4'd0;
    reg [3:0] drain_5 = 4'd0;
    reg [3:0] drain_6 = 4'd0;
    reg [3:0] drain_7 = 4'd0;
    reg [3:0] drain_8 = 4'd0;
    reg [3:0] drain_9 = 4'd0;
    reg [3:0] drain_10 = 4'd0;
    reg [3:0] drain_11 = 4'd0;
    reg [3:0] drain_12 = 4'd0;
    reg [3:0] drain_13 = 4'd0;
    reg [3:0] drain_14 = 4'd0;
    reg [3:0] drain_15 = 4'd0;
    reg [3:0] drain_16 = 4'd0;
    wire columns_active;
    wire columns_begin_column;
    wire columns_first;
    wire columns_inner;
    wire columns_slot_end;
    wire [5:0] columns_phase;
    wire columns_restart;
    wire columns_done;
    wire written = columns_active & (~instruction_keep);
    reg [4:0] at_weights_1 = 5'd0;
    reg [4:0] at_weights_2 = 5'd0;
    reg [4:0] at_weights_3 = 5'd0;
    reg [4:0] at_weights_4 = 5'd0;
    reg [4:0] at_weights_5 = 5'd0;
    reg [4:0] at_weights_6 = 5'd0;
    reg [4:0] at_weights_7 = 5'd0;
    reg [4:0] at_weights_8 = 5'd0;
    reg [4:0] at_weights_9 = 5'd0;
    wire [31:0] weights_weight;
    reg array_last = 1'd0;
    reg array_shift = 1'd0;
    wire [127:0] array_drained;
    wire lead_time_go;
    wire [2:0] lead_time_go_flags;
    reg [3:0] fetch_1 = 4'd0;
    reg [3:0] fetch_2 = 4'd0;
    reg [3:0] fetch_3 = 4'd0;
    reg [3:0] fetch_4 = 4'd0;
    wire operand_columns_active;
    wire operand_columns_begin_column;
    wire operand_columns_first;
    wire operand_columns_inner;
    wire operand_columns_slot_end;
    wire [5:0] operand_columns_phase;
    wire operand_columns_restart;
    wire operand_columns_done;
    wire [59:0] operand_operand_row;
    wire [3:0] operand_operand_enable;
    wire [31:0] operand_value;
    wire [89:0] channels_channel;
    wire [31:0] post_value;
    // The output's addresses wait for the bytes.
    reg [4:0] steering_1 = 5'd0;
    reg [4:0] steering_2 = 5'd0;
    reg [4:0] steering_3 = 5'd0;
    reg [4:0] steering_4 = 5'd0;
    reg [4:0] steering_5 = 5'd0;
    reg [4:0] steering_6 = 5'd0;
    reg [4:0] steering_7 = 5'd0;
    reg [4:0] steering_8 = 5'd0;
    reg [4:0] steering_9 = 5'd0;
    reg [4:0] steering_10 = 5'd0;
    reg [4:0] steering_11 = 5'd0;
    reg [4:0] steering_12 = 5'd0;
    reg [4:0] steering_13 = 5'd0;
    reg [4:0] steering_14 = 5'd0;
    reg [4:0] steering_15 = 5'd0;
    reg [4:0] steering_16 = 5'd0;
    reg [4:0] steering_17 = 5'd0;
    reg [4:0] steering_18 = 5'd0;
    reg [4:0] steering_19 = 5'd0;
    reg [4:0] steering_20 = 5'd0;
    reg [4:0] steering_21 = 5'd0;
    reg [4:0] steering_22 = 5'd0;
    reg [4:0] steering_23 = 5'd0;
    reg [4:0] steering_24 = 5'd0;
    reg [4:0] steering_25 = 5'd0;
    reg [4:0] steering_26 = 5'd0;
    reg [4:0] steering_27 = 5'd0;
    reg [4:0] steering_28 = 5'd0;
    reg [4:0] steering_29 = 5'd0;
    wire [59:0] write_back_output_row;
    wire [3:0] write_back_output_enable;
    wire [31:0] write_back_output_data;
    reg finished_1 = 1'd0;
    reg finished_2 = 1'd0;
    reg finished_3 = 1'd0;
    reg finished_4 = 1'd0;
    reg finished_5 = 1'd0;
    reg finished_6 = 1'd0;
    reg finished_7 = 1'd0;
    reg finished_8 = 1'd0;
    reg finished_9 = 1'd0;
    reg finished_10 = 1'd0;
    reg finished_11 = 1'd0;
    reg finished_12 = 1'd0;
    reg finished_13 = 1'd0;
    reg finished_14 = 1'd0;
    reg finished_15 = 1'd0;
    reg finished_16 = 1'd0;
    reg finished_17 = 1'd0;
    reg finished_18 = 1'd0;
    reg finished_19 = 1'd0;
    reg finished_20 = 1'd0;
    reg finished_21 = 1'd0;
    reg finished_22 = 1'd0;
    reg finished_23 = 1'd0;
    reg finished_24 = 1'd0;
    reg finished_25 = 1'd0;
    reg finished_26 = 1'd0;
    reg finished_27 = 1'd0;
    reg finished_28 = 1'd0;
    reg finished_29 = 1'd0;
    reg finished_30 = 1'd0;
    reg finished_31 = 1'd0;
    reg finished_32 = 1'd0;
    reg finished_33 = 1'd0;
    reg finished_34 = 1'd0;
    reg finished_35 = 1'd0;
    reg finished_36 = 1'd0;
    reg finished_37 = 1'd0;
    reg finished_38 = 1'd0;
    wire [3:0] drain_1_next_1 = {at_gather_last, at_gather_group_end, at_gather_last_group, at_gather_op_end};
    wire [4:0] at_weights_1_next_1 = {at_gather_level, at_gather_group_start, at_gather_first, at_gather_valid};
    wire [4:0] steering_1_next_1 = {columns_restart, written, columns_inner, columns_first, columns_begin_column};
    assign gather_row = gather_gather_row;
    assign gather_enable = gather_gather_enable;
    assign operand_row = operand_operand_row;
    assign operand_enable = operand_operand_enable;
    assign output_row = write_back_output_row;
    assign output_data = write_back_output_data;
    assign output_enable = write_back_output_enable;
    assign done = finished_38;
    compute_stepper stepper (
        .clock(clock),
        .issue(issue),
        .instruction(instruction),
        .reset(reset),
        .group_start(stepper_group_start),
        .group_end(stepper_group_end),
        .last_group(stepper_last_group),
        .op_end(stepper_op_end),
        .valid(stepper_valid),
        .first(stepper_first),
        .last(stepper_last),
        .level(stepper_level),
        .slot_less_1(stepper_slot_less_1)
    );
    compute_gather gather (
        .clock(clock),
        .issue(issue),
        .instruction(instruction),
        .valid(at_gather_valid),
        .first(at_gather_first),
        .level(at_gather_level),
        .group_end(at_gather_group_end),
        .gather_data(gather_data),
        .reset(reset),
        .gather_row(gather_gather_row),
        .gather_enable(gather_gather_enable),
        .high(gather_high),
        .value(gather_value)
    );
    columns columns (
        .clock(clock),
        .start(drain_16[3]),
        .group_end(drain_16[2]),
        .last_group(drain_16[1]),
        .op_end(drain_16[0]),
        .slot_less_1(stepper_slot_less_1),
        .instruction(instruction),
        .reset(reset),
        .active(columns_active),
        .begin_column(columns_begin_column),
        .first(columns_first),
        .inner(columns_inner),
        .slot_end(columns_slot_end),
        .phase(columns_phase),
        .restart(columns_restart),
        .done(columns_done)
    );
    weights weights (
        .clock(clock),
        .issue(issue),
        .instruction(instruction),
        .valid(at_weights_9[0]),
        .first(at_weights_9[1]),
        .level(at_weights_9[4:3]),
        .group_start(at_weights_9[2]),
        .weight_write(weight_write),
        .weight_word(weight_word),
        .weight_beat(weight_beat),
        .weight_data(weight_data),
        .weight(weights_weight)
    );
    array array (
        .clock(clock),
        .value(gather_value),
        .high(gather_high),
        .weight(weights_weight),
        .last(array_last),
        .shift(array_shift),
        .drained(array_drained)
    );
    // The operand's columns, P - S + 1 cycles after the last step at the stepper.
    lead_time lead_time (
        .clock(clock),
        .start((stepper_last & instruction_operand_on)),
        .flags({stepper_group_end, stepper_last_group, stepper_op_end}),
        .slot_less_1(stepper_slot_less_1),
        .reset(reset),
        .go(lead_time_go),
        .go_flags(lead_time_go_flags)
    );
    columns operand_columns (
        .clock(clock),
        .start(fetch_4[3]),
        .group_end(fetch_4[2]),
        .last_group(fetch_4[1]),
        .op_end(fetch_4[0]),
        .slot_less_1(stepper_slot_less_1),
        .instruction(instruction),
        .reset(reset),
        .active(operand_columns_active),
        .begin_column(operand_columns_begin_column),
        .first(operand_columns_first),
        .inner(operand_columns_inner),
        .slot_end(operand_columns_slot_end),
        .phase(operand_columns_phase),
        .restart(operand_columns_restart),
        .done(operand_columns_done)
    );
    compute_operand operand (
        .clock(clock),
        .issue(issue),
        .instruction(instruction),
        .begin_column(operand_columns_begin_column),
        .first(operand_columns_first),
        .inner(operand_columns_inner),
        .active(operand_columns_active),
        .restart(operand_columns_restart),
        .reset(reset),
        .slot_end(operand_columns_slot_end),
        .operand_data(operand_data),
        .operand_row(operand_operand_row),
        .operand_enable(operand_operand_enable),
        .value(operand_value)
    );
    compute_channels channels (
        .clock(clock),
        .issue(issue),
        .instruction(instruction),
        .begin_column(columns_begin_column),
        .first(columns_first),
        .restart(columns_restart),
        .channel_write(channel_write),
        .channel_word(channel_word),
        .channel_beat(channel_beat),
        .channel_data(channel_data),
        .channel(channels_channel)
    );
    compute_post post (
        .clock(clock),
        .instruction(instruction),
        .phase(columns_phase),
        .active(written),
        .drained(array_drained),
        .operand(operand_value),
        .channel(channels_channel),
        .table_write(table_write),
        .table_address(table_address),
        .table_data(table_data),
        .value(post_value)
    );
    compute_output write_back (
        .clock(clock),
        .issue(issue),
        .instruction(instruction),
        .begin_column(steering_29[0]),
        .first(steering_29[1]),
        .inner(steering_29[2]),
        .active(steering_29[3]),
        .restart(steering_29[4]),
        .reset(reset),
        .value(post_value),
        .output_row(write_back_output_row),
        .output_enable(write_back_output_enable),
        .output_data(write_back_output_data)
    );
    always @(posedge clock) begin
        drain_1 <= drain_1_next_1;
        drain_2 <= drain_1;
        drain_3 <= drain_2;
        drain_4 <= drain_3;
        drain_5 <= drain_4;
        drain_6 <= drain_5;
        drain_7 <= drain_6;
        drain_8 <= drain_7;
        drain_9 <= drain_8;
        drain_10 <= drain_9;
        drain_11 <= drain_10;
        drain_12 <= drain_11;
        drain_13 <= drain_12;
        drain_14 <= drain_13;
        drain_15 <= drain_14;
        drain_16 <= drain_15;
        at_weights_1 <= at_weights_1_next_1;
        at_weights_2 <= at_weights_1;
        at_weights_3 <= at_weights_2;
        at_weights_4 <= at_weights_3;
        at_weights_5 <= at_weights_4;
        at_weights_6 <= at_weights_5;
        at_weights_7 <= at_weights_6;
        at_weights_8 <= at_weights_7;
        at_weights_9 <= at_weights_8;
        array_last <= ((drain_16[3] & (~instruction_keep)) | reset);
        array_shift <= columns_slot_end;
        fetch_1 <= {lead_time_go, lead_time_go_flags};
        fetch_2 <= fetch_1;
        fetch_3 <= fetch_2;
        fetch_4 <= fetch_3;
        steering_1 <= steering_1_next_1;
        steering_2 <= steering_1;
        steering_3 <= steering_2;
        steering_4 <= steering_3;
        steering_5 <= steering_4;
        steering_6 <= steering_5;
        steering_7 <= steering_6;
        steering_8 <= steering_7;
        steering_9 <= steering_8;
        steering_10 <= steering_9;
        steering_11 <= steering_10;
        steering_12 <= steering_11;
        steering_13 <= steering_12;
        steering_14 <= steering_13;
        steering_15 <= steering_14;
        steering_16 <= steering_15;
        steering_17 <= steering_16;
        steering_18 <= steering_17;
        steering_19 <= steering_18;
        steering_20 <= steering_19;
        steering_21 <= steering_20;
        steering_22 <= steering_21;
        steering_23 <= steering_22;
        steering_24 <= steering_23;
        steering_25 <= steering_24;
        steering_26 <= steering_25;
        steering_27 <= steering_26;
        steering_28 <= steering_27;
        steering_29 <= steering_28;
        finished_1 <= columns_done;
        finished_2 <= finished_1;
        finished_3 <= finished_2;
        finished_4 <= finished_3;
        finished_5 <= finished_4;
        finished_6 <= finished_5;
        finished_7 <= finished_6;
        finished_8 <= finished_7;
        finished_9 <= finished_8;
        finished_10 <= finished_9;
        finished_11 <= finished_10;
        finished_12 <= finished_11;
        finished_13 <= finished_12;
        finished_14 <= finished_13;
        finished_15 <= finished_14;
        finished_16 <= finished_15;
        finished_17 <= finished_16;
        finished_18 <= finished_17;
        finished_19 <= finished_18;
        finished_20 <= finished_19;
        finished_21 <= finished_20;
        finished_22 <= finished_21;
        finished_23 <= finished_22;
        finished_24 <= finished_23;
        finished_25 <= finished_24;
        finished_26 <= finished_25;
        finished_27 <= finished_26;
        finished_28 <= finished_27;
        finished_29 <= finished_28;
        finished_30 <= finished_29;
        finished_31 <= finished_30;
        finished_32 <= finished_31;
        finished_33 <= finished_32;
        finished_34 <= finished_33;
        finished_35 <= finished_34;
        finished_36 <= finished_35;
        finished_37 <= finished_36;
        finished_38 <= finished_37;
    end
endmodule

// Groups, tiles and steps of an instruction.
module vector_stepper(
    clock, issue, instruction, reset, group_start, group_end, last_group, op_end, valid, first,
    last, level, slot_less_1
);
    input wire clock;
    input wire issue;
    input wire [1023:0] instruction;
    input wire reset;
    output wire group_start;
    output wire group_end;
    output wire last_group;
    output wire op_end;
    output wire valid;
    output wire first;
    output wire last;
    output wire [1:0] level;
    output wire [5:0] slot_less_1;
    // Fields in use.
    wire [15:0] instruction_groups_less_1 = instruction[50:35];
    wire [15:0] instruction_tiles_less_1 = instruction[66:51];
    wire [5:0] instruction_columns_less_1 = instruction[79:74];
    wire [15:0] instruction_step0_count_less_1 = instruction[140:125];
    wire [15:0] instruction_step1_count_less_1 = instruction[206:191];
    wire [15:0] instruction_step2_count_less_1 = instruction[272:257];
    wire instruction_operand_on = instruction[589];
    wire [5:0] instruction_operand_segments_less_1 = instruction[756:751];
    wire [5:0] instruction_output_segments_less_1 = instruction[969:964];
    // S - 1: the largest of three.
    reg [5:0] segments = 6'd0;
    reg [5:0] slot_less_1_r = 6'd0;
    reg pending = 1'd0;
    // Steps: three nested loops, the innermost first.
    reg valid_r = 1'd0;
    reg step_0_zero = 1'd0;
    wire loop_end = valid_r & step_0_zero;
    reg step_1_zero = 1'd0;
    wire loop_end_n2 = loop_end & step_1_zero;
    reg step_2_zero = 1'd0;
    wire loop_end_n3 = loop_end_n2 & step_2_zero;
    // Columns of the drain, as many as the instruction's, whatever the group.
    reg draining = 1'd0;
    reg cycle_zero = 1'd0;
    wire column_end = draining & cycle_zero;
    reg column_zero = 1'd0;
    wire drain_end = column_end & column_zero;
    wire begin_tile_1 = (pending & (loop_end_n3 | (~valid_r))) & (drain_end | (~draining));
    // The walk of the next tile's lanes; the first walk begins with the issue.
    reg walking = 1'd0;
    reg walk_zero = 1'd0;
    wire walk_end = walking & walk_zero;
    // Tiles: these describe the tile that begins next.
    wire begin_tile = begin_tile_1 & (walk_end | (~walking));
    reg [15:0] tile_left = 16'd0;
    reg [15:0] group_left = 16'd0;
    reg tile_zero = 1'd0;
    reg group_zero = 1'd0;
    reg starts_group = 1'd0;
    reg group_start_r = 1'd0;
    reg group_end_r = 1'd0;
    reg last_group_r = 1'd0;
    reg op_end_r = 1'd0;
    reg [15:0] step_0 = 16'd0;
    reg [15:0] step_1 = 16'd0;
    reg [15:0] step_2 = 16'd0;
    reg first_r = 1'd0;
    reg [1:0] level_r = 2'd0;
    reg [5:0] cycle = 6'd0;
    reg [5:0] column = 6'd0;
    reg [2:0] walk = 3'd0;
    wire [5:0] segments_next_1 = {6{instruction_operand_on}} & instruction_operand_segments_less_1;
    wire [5:0] segments_next_2 = (instruction_output_segments_less_1 < segments_next_1) ? segments_next_1 :
        instruction_output_segments_less_1;
    wire group_left_enable_1 = issue | (begin_tile & tile_zero);
    wire [15:0] tile_left_next_1 = group_left_enable_1 ? instruction_tiles_less_1 : (tile_left - 16'd1);
    wire step_0_zero_next_1 = begin_tile | loop_end;
    wire [15:0] step_0_next_1 = step_0_zero_next_1 ? instruction_step0_count_less_1 : (step_0 - 16'd1);
    wire step_0_enable_1 = step_0_zero_next_1 | valid_r;
    wire step_0_zero_next_2 = step_0_zero_next_1 ? (~(|instruction_step0_count_less_1)) : (step_0 == 16'd1);
    wire step_1_zero_next_1 = begin_tile | loop_end_n2;
    wire [15:0] step_1_next_1 = step_1_zero_next_1 ? instruction_step1_count_less_1 : (step_1 - 16'd1);
    wire step_1_enable_1 = step_1_zero_next_1 | loop_end;
    wire step_1_zero_next_2 = step_1_zero_next_1 ? (~(|instruction_step1_count_less_1)) : (step_1 == 16'd1);
    wire step_2_zero_next_1 = begin_tile | loop_end_n3;
    wire [15:0] step_2_next_1 = step_2_zero_next_1 ? instruction_step2_count_less_1 : (step_2 - 16'd1);
    wire step_2_enable_1 = step_2_zero_next_1 | loop_end_n2;
    wire step_2_zero_next_2 = step_2_zero_next_1 ? (~(|instruction_step2_count_less_1)) : (step_2 == 16'd1);
    wire cycle_zero_next_1 = begin_tile | column_end;
    wire cycle_enable_1 = cycle_zero_next_1 | draining;
    wire column_enable_1 = begin_tile | column_end;
    wire column_zero_next_1 = begin_tile ? (~(|instruction_columns_less_1)) : (column == 6'd1);
    wire walk_zero_next_1 = issue | begin_tile;
    wire [2:0] walk_zero_next_2 = issue ? 3'd3 : 3'd6;
    wire walk_enable_1 = walk_zero_next_1 | walking;
    assign group_start = group_start_r;
    assign group_end = group_end_r;
    assign last_group = last_group_r;
    assign op_end = op_end_r;
    assign valid = valid_r;
    assign first = first_r;
    assign last = loop_end_n3;
    assign level = level_r;
    assign slot_less_1 = slot_less_1_r;
    always @(posedge clock) begin
        segments <= segments_next_2;
        slot_less_1_r <= ((6'd3 < segments) ? segments : 6'd3);
        if ((issue | begin_tile)) tile_left <= tile_left_next_1;
        if (group_left_enable_1) group_left <= (issue ? instruction_groups_less_1 : (group_left - 16'd1));
        tile_zero <= (~(|tile_left));
        group_zero <= (~(|group_left));
        if ((issue | begin_tile)) starts_group <= group_left_enable_1;
        if (begin_tile) group_start_r <= starts_group;
        if (begin_tile) group_end_r <= tile_zero;
        if (begin_tile) last_group_r <= group_zero;
        if (begin_tile) op_end_r <= (tile_zero & group_zero);
        if (step_0_enable_1) step_0 <= step_0_next_1;
        if (step_0_enable_1) step_0_zero <= step_0_zero_next_2;
        if (step_1_enable_1) step_1 <= step_1_next_1;
        if (step_1_enable_1) step_1_zero <= step_1_zero_next_2;
        if (step_2_enable_1) step_2 <= step_2_next_1;
        if (step_2_enable_1) step_2_zero <= step_2_zero_next_2;
        first_r <= begin_tile;
        level_r <= {loop_end_n2, (loop_end & (~loop_end_n2))};
        if (cycle_enable_1) cycle <= (cycle_zero_next_1 ? slot_less_1_r : (cycle - 6'd1));
        if (cycle_enable_1) cycle_zero <= (cycle_zero_next_1 ? (~(|slot_less_1_r)) : (cycle == 6'd1));
        if (column_enable_1) column <= (begin_tile ? instruction_columns_less_1 : (column - 6'd1));
        if (column_enable_1) column_zero <= column_zero_next_1;
        if (walk_enable_1) walk <= (walk_zero_next_1 ? walk_zero_next_2 : (walk - 3'd1));
        if (walk_enable_1) walk_zero <= (walk_zero_next_1 ? (~(|walk_zero_next_2)) : (walk == 3'd1));
        if (reset) begin
            pending <= 1'd0;
            valid_r <= 1'd0;
            draining <= 1'd0;
            walking <= 1'd0;
        end else begin
            if ((issue | ((begin_tile & tile_zero) & group_zero))) pending <= issue;
            valid_r <= (begin_tile | (valid_r & (~loop_end_n3)));
            draining <= (begin_tile | ((draining & (~drain_end)) & (~issue)));
            walking <= ((issue | begin_tile) | (walking & (~walk_end)));
        end
    end
endmodule

// Reads one byte for each lane and step.
module vector_gather(
    clock, issue, instruction, valid, first, level, group_end, gather_data, reset, gather_row,
    gather_enable, high, value
);
    input wire clock;
    input wire issue;
    input wire [1023:0] instruction;
    input wire valid;
    input wire first;
    input wire [1:0] level;
    input wire group_end;
    input wire [31:0] gather_data;
    input wire reset;
    output wire [59:0] gather_row;
    output wire [3:0] gather_enable;
    output wire high;
    output wire [31:0] value;
    // Fields in use.
    wire instruction_wide = instruction[34];
    wire [15:0] instruction_step0_row = instruction[156:141];
    wire [5:0] instruction_step0_bank = instruction[162:157];
    wire [13:0] instruction_step0_y = instruction[176:163];
    wire [13:0] instruction_step0_x = instruction[190:177];
    wire [15:0] instruction_step1_row = instruction[222:207];
    wire [5:0] instruction_step1_bank = instruction[228:223];
    wire [13:0] instruction_step1_y = instruction[242:229];
    wire [13:0] instruction_step1_x = instruction[256:243];
    wire [15:0] instruction_step2_row = instruction[288:273];
    wire [5:0] instruction_step2_bank = instruction[294:289];
    wire [13:0] instruction_step2_y = instruction[308:295];
    wire [13:0] instruction_step2_x = instruction[322:309];
    wire [12:0] instruction_input_ring_line = instruction[423:411];
    wire [15:0] instruction_input_ring_rows_negated = instruction[439:424];
    wire [12:0] instruction_input_height = instruction[496:484];
    wire [12:0] instruction_input_width = instruction[509:497];
    wire [7:0] instruction_input_pad = instruction[517:510];
    // The next tile's lanes. They become the present ones when the first offset is ready.
    reg load_1 = 1'd0;
    reg load_2 = 1'd0;
    reg restart_1 = 1'd0;
    reg restart_2 = 1'd0;
    wire walker_push;
    wire [14:0] walker_row;
    wire [1:0] walker_bank;
    wire walker_valid;
    wire [13:0] walker_y;
    wire [13:0] walker_x;
    wire [183:0] chain_present;
    wire [14:0] offset_sum_row;
    wire [1:0] offset_sum_bank;
    wire [3:0] offset_sum_less;
    reg live_1 = 1'd0;
    reg live_2 = 1'd0;
    reg live_3 = 1'd0;
    reg first_1 = 1'd0;
    reg first_2 = 1'd0;
    reg [13:0] y_step_1 = 14'd0;
    reg [13:0] y_step_2 = 14'd0;
    reg [13:0] y_3 = 14'd0;
    reg [13:0] x_step_1 = 14'd0;
    reg [13:0] x_step_2 = 14'd0;
    reg [13:0] x_3 = 14'd0;
    wire [59:0] lanes_row;
    wire [7:0] lanes_bank;
    wire [3:0] lanes_enable;
    wire [59:0] to_banks_bank_value;
    wire [3:0] to_banks_bank_enable;
    // The planes of a wide operation: high halves at even counts of the outermost loop.
    reg high_before = 1'd0;
    wire high_plane = first | (high_before ^ level[1]);
    reg high_1 = 1'd0;
    reg high_later_1 = 1'd0;
    reg high_later_2 = 1'd0;
    reg high_later_3 = 1'd0;
    reg high_later_4 = 1'd0;
    reg high_later_5 = 1'd0;
    reg high_later_6 = 1'd0;
    reg high_later_7 = 1'd0;
    reg high_later_8 = 1'd0;
    reg high_later_9 = 1'd0;
    reg high_later_10 = 1'd0;
    reg high_later_11 = 1'd0;
    reg high_later_12 = 1'd0;
    reg high_later_13 = 1'd0;
    reg high_later_14 = 1'd0;
    // The way back: the selects wait for the data.
    reg live_until_1 = 1'd0;
    reg live_until_2 = 1'd0;
    reg live_until_3 = 1'd0;
    reg [3:0] outside_1 = 4'd0;
    reg [3:0] outside_2 = 4'd0;
    reg [3:0] outside_3 = 4'd0;
    reg [3:0] outside_4 = 4'd0;
    reg [3:0] outside_5 = 4'd0;
    reg [3:0] outside_6 = 4'd0;
    reg [7:0] bank_1 = 8'd0;
    reg [7:0] bank_2 = 8'd0;
    reg [7:0] bank_3 = 8'd0;
    reg [7:0] bank_4 = 8'd0;
    reg [7:0] bank_5 = 8'd0;
    reg [7:0] bank_6 = 8'd0;
    reg [3:0] enable_1 = 4'd0;
    reg [3:0] enable_2 = 4'd0;
    reg [3:0] enable_3 = 4'd0;
    reg [3:0] enable_4 = 4'd0;
    reg [3:0] enable_5 = 4'd0;
    reg [3:0] enable_6 = 4'd0;
    wire [31:0] to_lanes_value;
    wire [13:0] y_step_1_next_1 = level[1] ? instruction_step2_y : (level[0] ? instruction_step1_y :
        instruction_step0_y);
    wire [13:0] x_step_1_next_1 = level[1] ? instruction_step2_x : (level[0] ? instruction_step1_x :
        instruction_step0_x);
    wire [14:0] offset_row_1 = level[0] ? instruction_step1_row[14:0] : instruction_step0_row[14:0];
    wire [1:0] offset_bank_1 = level[0] ? instruction_step1_bank[1:0] : instruction_step0_bank[1:0];
    assign gather_row = to_banks_bank_value;
    assign gather_enable = to_banks_bank_enable;
    assign high = high_later_14;
    assign value = to_lanes_value;
    input_walker walker (
        .clock(clock),
        .issue(issue),
        .start(load_2),
        .restart(restart_2),
        .instruction(instruction),
        .reset(reset),
        .push(walker_push),
        .row(walker_row),
        .bank(walker_bank),
        .valid(walker_valid),
        .y(walker_y),
        .x(walker_x)
    );
    input_chain chain (
        .clock(clock),
        .push(walker_push),
        .state({walker_x, walker_y, walker_valid, walker_row, walker_bank}),
        .load(load_2),
        .present(chain_present)
    );
    // The common offset of the step.
    offset offset (
        .clock(clock),
        .advance(valid),
        .first(first),
        .row((level[1] ? instruction_step2_row[14:0] : offset_row_1)),
        .bank((level[1] ? instruction_step2_bank[1:0] : offset_bank_1)),
        .sum_row(offset_sum_row),
        .sum_bank(offset_sum_bank),
        .sum_less(offset_sum_less)
    );
    input_lanes lanes (
        .clock(clock),
        .present(chain_present),
        .live(live_3),
        .offset_row(offset_sum_row),
        .offset_bank(offset_sum_bank),
        .offset_less(offset_sum_less),
        .ring_less(instruction_input_ring_rows_negated[14:0]),
        .offset_y(y_3),
        .offset_x(x_3),
        .height(instruction_input_height),
        .width(instruction_input_width),
        .ring_line(instruction_input_ring_line),
        .row(lanes_row),
        .bank(lanes_bank),
        .enable(lanes_enable)
    );
    read_crossbar to_banks (
        .clock(clock),
        .bank(lanes_bank),
        .enable(lanes_enable),
        .value(lanes_row),
        .bank_value(to_banks_bank_value),
        .bank_enable(to_banks_bank_enable)
    );
    data_crossbar to_lanes (
        .clock(clock),
        .bank(bank_6),
        .enable(enable_6),
        .data(gather_data),
        .outside(outside_6),
        .pad(instruction_input_pad),
        .value(to_lanes_value)
    );
    always @(posedge clock) begin
        load_1 <= (valid & first);
        load_2 <= load_1;
        restart_1 <= group_end;
        restart_2 <= restart_1;
        live_1 <= valid;
        live_2 <= live_1;
        live_3 <= live_2;
        first_1 <= first;
        first_2 <= first_1;
        y_step_1 <= y_step_1_next_1;
        y_step_2 <= y_step_1;
        if (live_2) y_3 <= (first_2 ? 14'd0 : (y_3 + y_step_2));
        x_step_1 <= x_step_1_next_1;
        x_step_2 <= x_step_1;
        if (live_2) x_3 <= (first_2 ? 14'd0 : (x_3 + x_step_2));
        if (valid) high_before <= high_plane;
        high_1 <= (instruction_wide & high_plane);
        high_later_1 <= high_1;
        high_later_2 <= high_later_1;
        high_later_3 <= high_later_2;
        high_later_4 <= high_later_3;
        high_later_5 <= high_later_4;
        high_later_6 <= high_later_5;
        high_later_7 <= high_later_6;
        high_later_8 <= high_later_7;
        high_later_9 <= high_later_8;
        high_later_10 <= high_later_9;
        high_later_11 <= high_later_10;
        high_later_12 <= high_later_11;
        high_later_13 <= high_later_12;
        high_later_14 <= high_later_13;
        live_until_1 <= live_3;
        live_until_2 <= live_until_1;
        live_until_3 <= live_until_2;
        outside_1 <= ((~lanes_enable) & {4{live_until_3}});
        outside_2 <= outside_1;
        outside_3 <= outside_2;
        outside_4 <= outside_3;
        outside_5 <= outside_4;
        outside_6 <= outside_5;
        bank_1 <= lanes_bank;
        bank_2 <= bank_1;
        bank_3 <= bank_2;
        bank_4 <= bank_3;
        bank_5 <= bank_4;
        bank_6 <= bank_5;
        enable_1 <= lanes_enable;
        enable_2 <= enable_1;
        enable_3 <= enable_2;
        enable_4 <= enable_3;
        enable_5 <= enable_4;
        enable_6 <= enable_5;
    end
endmodule

// Sum or maximum of the bytes of each lane.
module reducer(clock, value, high, first, last, instruction, drained);
    input wire clock;
    input wire [31:0] value;
    input wire high;
    input wire first;
    input wire last;
    input wire [1023:0] instruction;
    output wire [127:0] drained;
    // Fields in use.
    wire [1:0] instruction_reduce = instruction[33:32];
    reg maximum = 1'd0;
    // The weighted bytes have a register of their own: the way from the crossbar and the comparison,
    // each with its routing, are two cycles. The shadow takes the total as it is made, not a cycle
    // later.
    reg first_1 = 1'd0;
    reg last_1 = 1'd0;
    reg [15:0] byte_0 = 16'd0;
    reg [31:0] total_0 = 32'd0;
    wire [7:0] next_total_0_1 = total_0[7:0];
    wire [7:0] next_total_0_2 = byte_0[7:0];
    wire [8:0] next_total_0_3 = {{1{next_total_0_1[7]}}, next_total_0_1} - {{1{next_total_0_2[7]}}, next_total_0_2};
    wire [31:0] next_total_0_4 = {{16{byte_0[15]}}, byte_0};
    wire [31:0] next_total_0_5 = (first_1 | next_total_0_3[8]) ? next_total_0_4 : {{24{next_total_0_1[7]}},
        next_total_0_1};
    wire [31:0] next_total_0 = (first_1 | maximum) ? next_total_0_5 : (total_0 + next_total_0_4);
    reg [31:0] shadow_0 = 32'd0;
    reg [15:0] byte_1 = 16'd0;
    reg [31:0] total_1 = 32'd0;
    wire [7:0] next_total_1_1 = total_1[7:0];
    wire [7:0] next_total_1_2 = byte_1[7:0];
    wire [8:0] next_total_1_3 = {{1{next_total_1_1[7]}}, next_total_1_1} - {{1{next_total_1_2[7]}}, next_total_1_2};
    wire [31:0] next_total_1_4 = {{16{byte_1[15]}}, byte_1};
    wire [31:0] next_total_1_5 = (first_1 | next_total_1_3[8]) ? next_total_1_4 : {{24{next_total_1_1[7]}},
        next_total_1_1};
    wire [31:0] next_total_1 = (first_1 | maximum) ? next_total_1_5 : (total_1 + next_total_1_4);
    reg [31:0] shadow_1 = 32'd0;
    reg [15:0] byte_2 = 16'd0;
    reg [31:0] total_2 = 32'd0;
    wire [7:0] next_total_2_1 = total_2[7:0];
    wire [7:0] next_total_2_2 = byte_2[7:0];
    wire [8:0] next_total_2_3 = {{1{next_total_2_1[7]}}, next_total_2_1} - {{1{next_total_2_2[7]}}, next_total_2_2};
    wire [31:0] next_total_2_4 = {{16{byte_2[15]}}, byte_2};
    wire [31:0] next_total_2_5 = (first_1 | next_total_2_3[8]) ? next_total_2_4 : {{24{next_total_2_1[7]}},
        next_total_2_1};
    wire [31:0] next_total_2 = (first_1 | maximum) ? next_total_2_5 : (total_2 + next_total_2_4);
    reg [31:0] shadow_2 = 32'd0;
    reg [15:0] byte_3 = 16'd0;
    reg [31:0] total_3 = 32'd0;
    wire [7:0] next_total_3_1 = total_3[7:0];
    wire [7:0] next_total_3_2 = byte_3[7:0];
    wire [8:0] next_total_3_3 = {{1{next_total_3_1[7]}}, next_total_3_1} - {{1{next_total_3_2[7]}}, next_total_3_2};
    wire [31:0] next_total_3_4 = {{16{byte_3[15]}}, byte_3};
    wire [31:0] next_total_3_5 = (first_1 | next_total_3_3[8]) ? next_total_3_4 : {{24{next_total_3_1[7]}},
        next_total_3_1};
    wire [31:0] next_total_3 = (first_1 | maximum) ? next_total_3_5 : (total_3 + next_total_3_4);
    reg [31:0] shadow_3 = 32'd0;
    wire [15:0] byte_0_next_1 = {(high ? value[7:0] : {8{value[7]}}), ({8{(~high)}} & value[7:0])};
    wire [15:0] byte_1_next_1 = {(high ? value[15:8] : {8{value[15]}}), ({8{(~high)}} & value[15:8])};
    wire [15:0] byte_2_next_1 = {(high ? value[23:16] : {8{value[23]}}), ({8{(~high)}} & value[23:16])};
    wire [15:0] byte_3_next_1 = {(high ? value[31:24] : {8{value[31]}}), ({8{(~high)}} & value[31:24])};
    assign drained = {shadow_3, shadow_2, shadow_1, shadow_0};
    always @(posedge clock) begin
        maximum <= (instruction_reduce == 2'd3);
        first_1 <= first;
        last_1 <= last;
        byte_0 <= byte_0_next_1;
        total_0 <= next_total_0;
        if (last_1) shadow_0 <= next_total_0;
        byte_1 <= byte_1_next_1;
        total_1 <= next_total_1;
        if (last_1) shadow_1 <= next_total_1;
        byte_2 <= byte_2_next_1;
        total_2 <= next_total_2;
        if (last_1) shadow_2 <= next_total_2;
        byte_3 <= byte_3_next_1;
        total_3 <= next_total_3;
        if (last_1) shadow_3 <= next_total_3;
    end
endmodule

// Pixels of the next tile, one lane a cycle.
module operand_walker_v2(
    clock, issue, start, restart, instruction, reset, push, row, bank, to_end, to_ring, segment
);
    input wire clock;
    input wire issue;
    input wire start;
    input wire restart;
    input wire [1023:0] instruction;
    input wire reset;
    output wire push;
    output wire [14:0] row;
    output wire [1:0] bank;
    output wire to_end;
    output wire to_ring;
    output wire [1:0] segment;
    // Fields in use.
    wire [5:0] instruction_lanes_less_1 = instruction[72:67];
    wire instruction_line_stop = instruction[73];
    wire [12:0] instruction_width_less_1 = instruction[105:93];
    wire [12:0] instruction_lines = instruction[118:106];
    wire [5:0] instruction_line_step = instruction[124:119];
    wire [15:0] instruction_operand_base_row = instruction[605:590];
    wire [5:0] instruction_operand_base_bank = instruction[611:606];
    wire [15:0] instruction_operand_group_row = instruction[627:612];
    wire [5:0] instruction_operand_group_bank = instruction[633:628];
    wire [15:0] instruction_operand_pixel_row = instruction[649:634];
    wire [5:0] instruction_operand_pixel_bank = instruction[655:650];
    wire [15:0] instruction_operand_wrap_row = instruction[671:656];
    wire [5:0] instruction_operand_wrap_bank = instruction[677:672];
    wire [12:0] instruction_operand_ring_line = instruction[690:678];
    wire [5:0] instruction_operand_segment_lanes_less_1 = instruction[762:757];
    // Stage 0: which lanes take a pixel, and where lines end.
    wire go = issue | start;
    wire rewind = issue | (start & restart);
    reg active = 1'd0;
    reg [1:0] count = 2'd0;
    reg count_zero = 1'd0;
    reg [5:0] lane_left = 6'd0;
    reg lane_zero = 1'd0;
    reg in_tile = 1'd0;
    reg stopped = 1'd0;
    wire take = (active & in_tile) & (~stopped);
    reg [12:0] x_left = 13'd0;
    reg line_end = 1'd0;
    wire new_line = rewind | (take & line_end);
    reg [5:0] segment_left = 6'd0;
    reg segment_full = 1'd0;
    reg [1:0] segment_r = 2'd0;
    wire next_segment = take & (line_end | segment_full);
    wire segment_load = go | next_segment;
    // Addresses of the group that is walked next.
    reg [1:0] group_step = 2'd0;
    reg [3:0] group_less = 4'd0;
    reg [1:0] group_bank = 2'd0;
    reg [14:0] group_row = 15'd0;
    reg [1:0] next_bank = 2'd0;
    reg next_carry = 1'd0;
    reg [14:0] next_row = 15'd0;
    wire [1:0] first_bank = issue ? instruction_operand_base_bank[1:0] : next_bank;
    wire [14:0] first_row = issue ? instruction_operand_base_row[14:0] : next_row;
    // Stage 1: bank and line.
    reg [3:0] pixel_less = 4'd0;
    reg [3:0] wrap_less = 4'd0;
    reg [1:0] step_1 = 2'd0;
    reg [3:0] less_1 = 4'd0;
    reg [14:0] row_step_1 = 15'd0;
    // The walk behind the last tile of an instruction may still be under way when the next is issued.
    reg push_1 = 1'd0;
    reg take_1 = 1'd0;
    reg line_1 = 1'd0;
    reg [1:0] bank_1 = 2'd0;
    reg [14:0] remaining = 15'd0;
    // Stage 2: row and coordinates.
    reg carry_2 = 1'd0;
    reg [14:0] row_step_2 = 15'd0;
    reg push_2 = 1'd0;
    reg take_2 = 1'd0;
    reg [1:0] bank_2 = 2'd0;
    reg [14:0] row_2 = 15'd0;
    reg [14:0] ring_left = 15'd0;
    reg end_2 = 1'd0;
    reg ring_2 = 1'd0;
    reg [1:0] segment_1 = 2'd0;
    reg [1:0] segment_2 = 2'd0;
    wire stopped_next_1 = (~go) & (stopped | ((take & line_end) & instruction_line_stop));
    wire line_end_next_1 = new_line ? (~(|instruction_width_less_1)) : (x_left == 13'd1);
    wire [5:0] segment_left_next_1 = segment_load ? instruction_operand_segment_lanes_less_1 : (segment_left - 6'd1);
    wire segment_full_next_1 = segment_load ? (~(|instruction_operand_segment_lanes_less_1)) : (segment_left == 6'd1);
    wire [3:0] next_bank_next_1 = {2'd0, group_bank} + group_less;
    wire [2:0] next_bank_next_2 = {1'd0, group_bank} + {1'd0, group_step};
    wire [1:0] next_bank_next_3 = next_bank_next_1[3] ? next_bank_next_2[1:0] : next_bank_next_1[1:0];
    wire [15:0] next_row_next_1 = {group_row, next_carry} + {instruction_operand_group_row[14:0], next_carry};
    wire [1:0] step_1_next_1 = line_end ? instruction_operand_wrap_bank[1:0] : instruction_operand_pixel_bank[1:0];
    wire [14:0] row_step_1_next_1 = line_end ? instruction_operand_wrap_row[14:0] :
        instruction_operand_pixel_row[14:0];
    wire [3:0] bank_1_next_1 = {2'd0, bank_1} + less_1;
    wire [2:0] bank_1_next_2 = {1'd0, bank_1} + {1'd0, step_1};
    wire [1:0] bank_1_next_3 = rewind ? first_bank : (bank_1_next_1[3] ? bank_1_next_2[1:0] : bank_1_next_1[1:0]);
    wire [14:0] remaining_next_1 = rewind ? {2'd0, instruction_lines} : (remaining - {9'd0, instruction_line_step});
    wire [15:0] row_2_next_1 = {row_2, carry_2} + {row_step_2, carry_2};
    wire [14:0] ring_left_next_1 = rewind ? {2'd0, instruction_operand_ring_line} : (ring_left - {9'd0,
        instruction_line_step});
    wire end_2_next_1 = take_1 & ((~remaining[14]) & ((|remaining[13:1]) | remaining[0]));
    assign push = push_2;
    assign row = row_2;
    assign bank = bank_2;
    assign to_end = end_2;
    assign to_ring = ring_2;
    assign segment = segment_2;
    always @(posedge clock) begin
        count <= (go ? 2'd3 : (count - 2'd1));
        count_zero <= ((~go) & (count == 2'd1));
        lane_left <= (go ? instruction_lanes_less_1 : (lane_left - 6'd1));
        lane_zero <= (go ? (~(|instruction_lanes_less_1)) : (lane_left == 6'd1));
        in_tile <= (go | (in_tile & (~lane_zero)));
        stopped <= stopped_next_1;
        if ((rewind | take)) x_left <= (new_line ? instruction_width_less_1 : (x_left - 13'd1));
        if ((rewind | take)) line_end <= line_end_next_1;
        if ((go | take)) segment_left <= segment_left_next_1;
        if ((go | take)) segment_full <= segment_full_next_1;
        if (segment_load) segment_r <= (go ? 2'd0 : (segment_r + 2'd1));
        group_step <= instruction_operand_group_bank[1:0];
        group_less <= ({2'd0, instruction_operand_group_bank[1:0]} - 4'd4);
        if (rewind) group_bank <= first_bank;
        if (rewind) group_row <= first_row;
        next_bank <= next_bank_next_3;
        next_carry <= (~next_bank_next_1[3]);
        next_row <= next_row_next_1[15:1];
        pixel_less <= ({2'd0, instruction_operand_pixel_bank[1:0]} - 4'd4);
        wrap_less <= ({2'd0, instruction_operand_wrap_bank[1:0]} - 4'd4);
        step_1 <= step_1_next_1;
        less_1 <= (line_end ? wrap_less : pixel_less);
        row_step_1 <= row_step_1_next_1;
        push_1 <= (active & (~issue));
        take_1 <= (take & (~issue));
        line_1 <= ((take & line_end) & (~issue));
        if ((rewind | take_1)) bank_1 <= bank_1_next_3;
        if ((rewind | line_1)) remaining <= remaining_next_1;
        carry_2 <= (~bank_1_next_1[3]);
        row_step_2 <= row_step_1;
        push_2 <= (push_1 & (~issue));
        take_2 <= (take_1 & (~issue));
        bank_2 <= bank_1;
        if ((rewind | take_2)) row_2 <= (rewind ? first_row : row_2_next_1[15:1]);
        if ((rewind | line_1)) ring_left <= ring_left_next_1;
        end_2 <= end_2_next_1;
        ring_2 <= ((~ring_left[14]) & ((|ring_left[13:1]) | ring_left[0]));
        segment_1 <= segment_r;
        segment_2 <= segment_1;
        if (reset) begin
            active <= 1'd0;
        end else begin
            active <= (go | (active & (~count_zero)));
        end
    end
endmodule

// Lanes of the next tile (shifted in) and of the present one.
module target_chain_v2(clock, push, state, load, present);
    input wire clock;
    input wire push;
    input wire [20:0] state;
    input wire load;
    output wire [83:0] present;
    reg [83:0] next = 84'h0;
    reg [83:0] held = 84'h0;
    assign present = held;
    always @(posedge clock) begin
        if (push) next <= {state, next[83:21]};
        if (load) held <= next;
    end
endmodule

// Address of one lane, 2 cycles after its parts.
module target_address_v2(
    clock, state, live, offset_row, offset_bank, offset_less, ring_less, down, phase, row, bank,
    enable
);
    input wire clock;
    input wire [20:0] state;
    input wire live;
    input wire [14:0] offset_row;
    input wire [1:0] offset_bank;
    input wire [3:0] offset_less;
    input wire [14:0] ring_less;
    input wire down;
    input wire [5:0] phase;
    output wire [14:0] row;
    output wire [1:0] bank;
    output wire enable;
    wire [1:0] own_bank = state[1:0];
    wire [14:0] own_row = state[16:2];
    wire own_to_end = state[17];
    wire own_to_ring = state[18];
    wire [1:0] own_segment = state[20:19];
    // Stage 1: sums.
    reg [1:0] bank_1 = 2'd0;
    reg carry_1 = 1'd0;
    reg [14:0] row_1 = 15'd0;
    reg live_1 = 1'd0;
    reg wrap_1 = 1'd0;
    // Last stage: carry and ring.
    reg [14:0] row_r = 15'd0;
    reg [1:0] bank_r = 2'd0;
    reg enable_r = 1'd0;
    wire [3:0] bank_1_next_1 = {2'd0, own_bank} + offset_less;
    wire [2:0] bank_1_next_2 = {1'd0, own_bank} + {1'd0, offset_bank};
    wire live_1_next_1 = (live & ({4'd0, own_segment} == phase)) & (down < own_to_end);
    wire [15:0] row_r_next_1 = {row_1, carry_1} + {({15{wrap_1}} & ring_less), carry_1};
    assign row = row_r;
    assign bank = bank_r;
    assign enable = enable_r;
    always @(posedge clock) begin
        bank_1 <= (bank_1_next_1[3] ? bank_1_next_2[1:0] : bank_1_next_1[1:0]);
        carry_1 <= (~bank_1_next_1[3]);
        row_1 <= (own_row + offset_row);
        live_1 <= live_1_next_1;
        wrap_1 <= (~(down < own_to_ring));
        row_r <= row_r_next_1[15:1];
        bank_r <= bank_1;
        enable_r <= live_1;
    end
endmodule

// Addresses of all lanes.
module target_lanes_v2(
    clock, present, live, offset_row, offset_bank, offset_less, ring_less, down, phase, row, bank,
    enable
);
    input wire clock;
    input wire [83:0] present;
    input wire live;
    input wire [14:0] offset_row;
    input wire [1:0] offset_bank;
    input wire [3:0] offset_less;
    input wire [14:0] ring_less;
    input wire down;
    input wire [5:0] phase;
    output wire [59:0] row;
    output wire [7:0] bank;
    output wire [3:0] enable;
    wire [14:0] lane_0_row;
    wire [1:0] lane_0_bank;
    wire lane_0_enable;
    wire [14:0] lane_1_row;
    wire [1:0] lane_1_bank;
    wire lane_1_enable;
    wire [14:0] lane_2_row;
    wire [1:0] lane_2_bank;
    wire lane_2_enable;
    wire [14:0] lane_3_row;
    wire [1:0] lane_3_bank;
    wire lane_3_enable;
    assign row = {lane_3_row, lane_2_row, lane_1_row, lane_0_row};
    assign bank = {lane_3_bank, lane_2_bank, lane_1_bank, lane_0_bank};
    assign enable = {lane_3_enable, lane_2_enable, lane_1_enable, lane_0_enable};
    // Lane 0.
    target_address_v2 lane_0 (
        .clock(clock),
        .state(present[20:0]),
        .live(live),
        .offset_row(offset_row),
        .offset_bank(offset_bank),
        .offset_less(offset_less),
        .ring_less(ring_less),
        .down(down),
        .phase(phase),
        .row(lane_0_row),
        .bank(lane_0_bank),
        .enable(lane_0_enable)
    );
    // Lane 1.
    target_address_v2 lane_1 (
        .clock(clock),
        .state(present[41:21]),
        .live(live),
        .offset_row(offset_row),
        .offset_bank(offset_bank),
        .offset_less(offset_less),
        .ring_less(ring_less),
        .down(down),
        .phase(phase),
        .row(lane_1_row),
        .bank(lane_1_bank),
        .enable(lane_1_enable)
    );
    // Lane 2.
    target_address_v2 lane_2 (
        .clock(clock),
        .state(present[62:42]),
        .live(live),
        .offset_row(offset_row),
        .offset_bank(offset_bank),
        .offset_less(offset_less),
        .ring_less(ring_less),
        .down(down),
        .phase(phase),
        .row(lane_2_row),
        .bank(lane_2_bank),
        .enable(lane_2_enable)
    );
    // Lane 3.
    target_address_v2 lane_3 (
        .clock(clock),
        .state(present[83:63]),
        .live(live),
        .offset_row(offset_row),
        .offset_bank(offset_bank),
        .offset_less(offset_less),
        .ring_less(ring_less),
        .down(down),
        .phase(phase),
        .row(lane_3_row),
        .bank(lane_3_bank),
        .enable(lane_3_enable)
    );
endmodule

// Reads the residual operand of a column.
module vector_operand(
    clock, issue, instruction, begin_column, first, inner, active, restart, reset, slot_end,
    operand_data, operand_row, operand_enable, value
);
    input wire clock;
    input wire issue;
    input wire [1023:0] instruction;
    input wire begin_column;
    input wire first;
    input wire inner;
    input wire active;
    input wire restart;
    input wire reset;
    input wire slot_end;
    input wire [31:0] operand_data;
    output wire [59:0] operand_row;
    output wire [3:0] operand_enable;
    output wire [31:0] value;
    // Fields in use.
    wire instruction_column_y = instruction[92];
    wire [15:0] instruction_operand_ring_rows_negated = instruction[706:691];
    wire [15:0] instruction_operand_inner_row = instruction[722:707];
    wire [5:0] instruction_operand_inner_bank = instruction[728:723];
    wire [15:0] instruction_operand_outer_row = instruction[744:729];
    wire [5:0] instruction_operand_outer_bank = instruction[750:745];
    reg load_1 = 1'd0;
    reg load_2 = 1'd0;
    reg restart_walk_1 = 1'd0;
    reg restart_walk_2 = 1'd0;
    wire walker_push;
    wire [14:0] walker_row;
    wire [1:0] walker_bank;
    wire walker_to_end;
    wire walker_to_ring;
    wire [1:0] walker_segment;
    wire [83:0] chain_present;
    wire [14:0] offset_sum_row;
    wire [1:0] offset_sum_bank;
    wire [3:0] offset_sum_less;
    // Output rows of an inner column below the first, and the cycle within the column.
    reg begin_1 = 1'd0;
    reg begin_2 = 1'd0;
    reg inner_1 = 1'd0;
    reg inner_2 = 1'd0;
    reg down = 1'd0;
    reg [5:0] phase = 6'd0;
    reg live_1 = 1'd0;
    reg live_2 = 1'd0;
    reg live_3 = 1'd0;
    wire [59:0] lanes_row;
    wire [7:0] lanes_bank;
    wire [3:0] lanes_enable;
    wire [59:0] to_banks_bank_value;
    wire [3:0] to_banks_bank_enable;
    reg [7:0] bank_1 = 8'd0;
    reg [7:0] bank_2 = 8'd0;
    reg [7:0] bank_3 = 8'd0;
    reg [7:0] bank_4 = 8'd0;
    reg [7:0] bank_5 = 8'd0;
    reg [7:0] bank_6 = 8'd0;
    reg [3:0] enable_1 = 4'd0;
    reg [3:0] enable_2 = 4'd0;
    reg [3:0] enable_3 = 4'd0;
    reg [3:0] enable_4 = 4'd0;
    reg [3:0] enable_5 = 4'd0;
    reg [3:0] enable_6 = 4'd0;
    wire [31:0] to_lanes_value;
    reg [3:0] came_1 = 4'd0;
    reg [3:0] came_2 = 4'd0;
    reg [3:0] came_3 = 4'd0;
    reg complete_1 = 1'd0;
    reg complete_2 = 1'd0;
    reg complete_3 = 1'd0;
    reg complete_4 = 1'd0;
    reg complete_5 = 1'd0;
    reg complete_6 = 1'd0;
    reg complete_7 = 1'd0;
    reg complete_8 = 1'd0;
    reg complete_9 = 1'd0;
    reg complete_10 = 1'd0;
    reg complete_11 = 1'd0;
    reg complete_12 = 1'd0;
    reg complete_13 = 1'd0;
    reg complete_14 = 1'd0;
    reg complete_15 = 1'd0;
    reg [7:0] byte_0 = 8'd0;
    reg [7:0] held_0 = 8'd0;
    reg [7:0] byte_1 = 8'd0;
    reg [7:0] held_1 = 8'd0;
    reg [7:0] byte_2 = 8'd0;
    reg [7:0] held_2 = 8'd0;
    reg [7:0] byte_3 = 8'd0;
    reg [7:0] held_3 = 8'd0;
    wire [20:0] chain_state_1 = {walker_segment, walker_to_ring, walker_to_end, walker_row, walker_bank};
    wire [14:0] offset_row_1 = inner ? instruction_operand_inner_row[14:0] : instruction_operand_outer_row[14:0];
    wire [1:0] offset_bank_1 = inner ? instruction_operand_inner_bank[1:0] : instruction_operand_outer_bank[1:0];
    assign operand_row = to_banks_bank_value;
    assign operand_enable = to_banks_bank_enable;
    assign value = {held_3, held_2, held_1, held_0};
    operand_walker_v2 walker (
        .clock(clock),
        .issue(issue),
        .start(load_2),
        .restart(restart_walk_2),
        .instruction(instruction),
        .reset(reset),
        .push(walker_push),
        .row(walker_row),
        .bank(walker_bank),
        .to_end(walker_to_end),
        .to_ring(walker_to_ring),
        .segment(walker_segment)
    );
    target_chain_v2 chain (
        .clock(clock),
        .push(walker_push),
        .state(chain_state_1),
        .load(load_2),
        .present(chain_present)
    );
    offset offset (
        .clock(clock),
        .advance(begin_column),
        .first(first),
        .row(offset_row_1),
        .bank(offset_bank_1),
        .sum_row(offset_sum_row),
        .sum_bank(offset_sum_bank),
        .sum_less(offset_sum_less)
    );
    target_lanes_v2 lanes (
        .clock(clock),
        .present(chain_present),
        .live(live_3),
        .offset_row(offset_sum_row),
        .offset_bank(offset_sum_bank),
        .offset_less(offset_sum_less),
        .ring_less(instruction_operand_ring_rows_negated[14:0]),
        .down(down),
        .phase(phase),
        .row(lanes_row),
        .bank(lanes_bank),
        .enable(lanes_enable)
    );
    read_crossbar to_banks (
        .clock(clock),
        .bank(lanes_bank),
        .enable(lanes_enable),
        .value(lanes_row),
        .bank_value(to_banks_bank_value),
        .bank_enable(to_banks_bank_enable)
    );
    operand_crossbar to_lanes (
        .clock(clock),
        .bank(bank_6),
        .enable(enable_6),
        .data(operand_data),
        .value(to_lanes_value)
    );
    always @(posedge clock) begin
        load_1 <= (begin_column & first);
        load_2 <= load_1;
        restart_walk_1 <= restart;
        restart_walk_2 <= restart_walk_1;
        begin_1 <= begin_column;
        begin_2 <= begin_1;
        inner_1 <= inner;
        inner_2 <= inner_1;
        if (begin_2) down <= (inner_2 ? (down + instruction_column_y) : 1'd0);
        phase <= (begin_2 ? 6'd0 : (phase + 6'd1));
        live_1 <= active;
        live_2 <= live_1;
        live_3 <= live_2;
        bank_1 <= lanes_bank;
        bank_2 <= bank_1;
        bank_3 <= bank_2;
        bank_4 <= bank_3;
        bank_5 <= bank_4;
        bank_6 <= bank_5;
        enable_1 <= lanes_enable;
        enable_2 <= enable_1;
        enable_3 <= enable_2;
        enable_4 <= enable_3;
        enable_5 <= enable_4;
        enable_6 <= enable_5;
        came_1 <= enable_6;
        came_2 <= came_1;
        came_3 <= came_2;
        complete_1 <= slot_end;
        complete_2 <= complete_1;
        complete_3 <= complete_2;
        complete_4 <= complete_3;
        complete_5 <= complete_4;
        complete_6 <= complete_5;
        complete_7 <= complete_6;
        complete_8 <= complete_7;
        complete_9 <= complete_8;
        complete_10 <= complete_9;
        complete_11 <= complete_10;
        complete_12 <= complete_11;
        complete_13 <= complete_12;
        complete_14 <= complete_13;
        complete_15 <= complete_14;
        if (came_3[0]) byte_0 <= to_lanes_value[7:0];
        if (complete_15) held_0 <= byte_0;
        if (came_3[1]) byte_1 <= to_lanes_value[15:8];
        if (complete_15) held_1 <= byte_1;
        if (came_3[2]) byte_2 <= to_lanes_value[23:16];
        if (complete_15) held_2 <= byte_2;
        if (came_3[3]) byte_3 <= to_lanes_value[31:24];
        if (complete_15) held_3 <= byte_3;
    end
endmodule

// Parameter memory and its address.
module vector_channels(
    clock, issue, instruction, begin_column, first, restart, channel_write, channel_word,
    channel_beat, channel_data, channel
);
    input wire clock;
    input wire issue;
    input wire [1023:0] instruction;
    input wire begin_column;
    input wire first;
    input wire restart;
    input wire channel_write;
    input wire [9:0] channel_word;
    input wire [1:0] channel_beat;
    input wire [31:0] channel_data;
    output wire [89:0] channel;
    // Fields in use.
    wire [12:0] instruction_channel_base = instruction[552:540];
    wire instruction_channel_column_step = instruction[553];
    wire [5:0] instruction_channel_group_step = instruction[559:554];
    reg [9:0] group = 10'd0;
    wire advance = (begin_column & first) & restart;
    reg [9:0] address = 10'd0;
    reg [9:0] read_1 = 10'd0;
    reg [9:0] write_word = 10'd0;
    reg [31:0] write_data = 32'd0;
    // One memory for each beat, as wide as the used bits in it.
    reg write_0 = 1'd0;
    wire [31:0] memory_0_read_data;
    reg write_1 = 1'd0;
    wire [24:0] memory_1_read_data;
    reg write_2 = 1'd0;
    wire [24:0] memory_2_read_data;
    reg write_3 = 1'd0;
    wire [9:0] memory_3_read_data;
    reg [89:0] channel_word_read = 90'h0;
    wire [9:0] group_next_1 = issue ? instruction_channel_base[9:0] : (group + {4'd0, instruction_channel_group_step});
    wire [9:0] address_next_1 = first ? group : (address + {9'd0, instruction_channel_column_step});
    wire [89:0] channel_word_read_next_1 = {memory_3_read_data[9:8], memory_3_read_data[5:0], memory_2_read_data,
        memory_1_read_data, memory_0_read_data};
    assign channel = channel_word_read;
    ram_1024x32 memory_0 (
        .clock(clock),
        .write_enable(write_0),
        .write_address(write_word),
        .write_data(write_data),
        .read_address(read_1),
        .read_data(memory_0_read_data)
    );
    ram_1024x25 memory_1 (
        .clock(clock),
        .write_enable(write_1),
        .write_address(write_word),
        .write_data(write_data[24:0]),
        .read_address(read_1),
        .read_data(memory_1_read_data)
    );
    ram_1024x25 memory_2 (
        .clock(clock),
        .write_enable(write_2),
        .write_address(write_word),
        .write_data(write_data[24:0]),
        .read_address(read_1),
        .read_data(memory_2_read_data)
    );
    ram_1024x10 memory_3 (
        .clock(clock),
        .write_enable(write_3),
        .write_address(write_word),
        .write_data(write_data[9:0]),
        .read_address(read_1),
        .read_data(memory_3_read_data)
    );
    always @(posedge clock) begin
        if ((issue | advance)) group <= group_next_1;
        if (begin_column) address <= address_next_1;
        read_1 <= address;
        write_word <= channel_word;
        write_data <= channel_data;
        write_0 <= (channel_write & (channel_beat == 2'd0));
        write_1 <= (channel_write & (channel_beat == 2'd1));
        write_2 <= (channel_write & (channel_beat == 2'd2));
        write_3 <= (channel_write & (channel_beat == 2'd3));
        channel_word_read <= channel_word_read_next_1;
    end
endmodule

// Sum to byte: scale, operand, clamp, table.
module vector_requantiser(
    clock, instruction, sum, channel, operand, table_write, table_address, table_data, result
);
    input wire clock;
    input wire [1023:0] instruction;
    input wire [31:0] sum;
    input wire [89:0] channel;
    input wire [7:0] operand;
    input wire table_write;
    input wire [10:0] table_address;
    input wire [31:0] table_data;
    output wire [7:0] result;
    // Fields in use.
    wire [7:0] instruction_zero = instruction[567:560];
    wire [7:0] instruction_lo = instruction[575:568];
    wire [7:0] instruction_hi = instruction[583:576];
    wire instruction_table_on = instruction[584];
    wire [3:0] instruction_table = instruction[588:585];
    wire instruction_operand_on = instruction[589];
    wire [7:0] instruction_operand_zero = instruction[770:763];
    wire [24:0] instruction_operand_mantissa = instruction[795:771];
    wire [5:0] instruction_operand_shift = instruction[801:796];
    wire instruction_operand_multiply = instruction[802];
    wire multiply = instruction_operand_on & instruction_operand_multiply;
    reg [31:0] sum_1 = 32'd0;
    reg [24:0] mantissa_1 = 25'd0;
    reg [24:0] negative_1 = 25'd0;
    reg [31:0] sum_2 = 32'd0;
    reg [33:0] sum_triple = 34'd0;
    reg [24:0] mantissa_2 = 25'd0;
    wire [31:0] sum_3 = sum_2;
    wire [17:0] mantissa_3 = mantissa_2[24:7];
    wire [32:0] high_product;
    wire [35:0] low_product;
    wire [6:0] mantissa_digits = mantissa_2[6:0];
    wire [33:0] digit_value_pair_n4_1 = {{2{sum_2[31]}}, sum_2};
    wire [33:0] digit_value_pair = mantissa_digits[1] ? {34{mantissa_digits[0]}} : (mantissa_digits[0] ?
        digit_value_pair_n4_1 : 34'd0);
    reg [33:0] digit_0 = 34'd0;
    wire [33:0] digit_value_pair_n2 = mantissa_digits[3] ? {34{mantissa_digits[2]}} : (mantissa_digits[2] ?
        digit_value_pair_n4_1 : 34'd0);
    reg [33:0] digit_1 = 34'd0;
    wire [33:0] digit_value_pair_n3 = mantissa_digits[5] ? {34{mantissa_digits[4]}} : (mantissa_digits[4] ?
        digit_value_pair_n4_1 : 34'd0);
    reg [33:0] digit_2 = 34'd0;
    wire [33:0] digit_value_pair_n4 = mantissa_digits[6] ? digit_value_pair_n4_1 : 34'd0;
    reg [33:0] digit_3 = 34'd0;
    reg [36:0] digits_pair = 37'd0;
    reg [36:0] digits_pair_n2 = 37'd0;
    reg [40:0] digits_sum = 41'd0;
    wire [38:0] digits_sum_later = digits_sum[38:0];
    reg [35:0] product_middle = 36'd0;
    reg [6:0] product_low = 7'd0;
    reg [32:0] product_high = 33'd0;
    reg [56:0] scaled_product = 57'd0;
    reg [5:0] shift_1 = 6'd0;
    reg [5:0] shift_2 = 6'd0;
    reg [5:0] shift_3 = 6'd0;
    reg [5:0] shift_4 = 6'd0;
    reg [5:0] shift_5 = 6'd0;
    reg [5:0] shift_6 = 6'd0;
    reg [5:0] shift_7 = 6'd0;
    reg [3:0] shift_fours = 4'd0;
    reg [1:0] shift_ones = 2'd0;
    reg scaled_sign_1 = 1'd0;
    reg scaled_sign_2 = 1'd0;
    reg scaled_sign_3 = 1'd0;
    wire scaled_lost_pair_1 = shift_7[4] ? 1'd0 : ((|scaled_product[56:42]) & (~(&scaled_product[56:42])));
    wire scaled_lost_pair = shift_7[5] ? shift_7[4] : scaled_lost_pair_1;
    reg scaled_over = 1'd0;
    wire [40:0] scaled_moved_pair_1 = scaled_product[56:16];
    wire [42:0] scaled_moved_pair_2 = shift_7[4] ? {{2{scaled_moved_pair_1[40]}}, scaled_moved_pair_1} :
        scaled_product[42:0];
    wire [42:0] scaled_moved_pair = shift_7[5] ? {43{shift_7[4]}} : scaled_moved_pair_2;
    reg [42:0] scaled_shifted = 43'd0;
    wire scaled_lost_pair_n2_1 = shift_fours[2] ? ((|scaled_shifted[42:34]) & (~(&scaled_shifted[42:34]))) :
        ((|scaled_shifted[42:30]) & (~(&scaled_shifted[42:30])));
    wire scaled_lost_pair_n2 = shift_fours[3] ? shift_fours[2] : scaled_lost_pair_n2_1;
    reg scaled_over_n2 = 1'd0;
    wire [30:0] scaled_moved_pair_n2 = shift_fours[3] ? {31{shift_fours[2]}} : (shift_fours[2] ? scaled_shifted[34:4] :
        scaled_shifted[30:0]);
    reg [30:0] scaled_shifted_n2 = 31'd0;
    wire scaled_lost_pair_n3_1 = shift_ones[0] ? ((|scaled_shifted_n2[30:28]) & (~(&scaled_shifted_n2[30:28]))) :
        ((|scaled_shifted_n2[30:27]) & (~(&scaled_shifted_n2[30:27])));
    wire scaled_lost_pair_n3 = shift_ones[1] ? shift_ones[0] : scaled_lost_pair_n3_1;
    reg scaled_over_n3 = 1'd0;
    wire [27:0] scaled_moved_pair_n3_1 = shift_ones[0] ? scaled_shifted_n2[28:1] : scaled_shifted_n2[27:0];
    wire [27:0] scaled_moved_pair_n3 = shift_ones[1] ? {28{shift_ones[0]}} : scaled_moved_pair_n3_1;
    reg [27:0] scaled_shifted_n3 = 28'd0;
    reg [27:0] scaled_saturated = 28'd0;
    reg [7:0] operand_1 = 8'd0;
    reg [7:0] operand_2 = 8'd0;
    reg [7:0] operand_3 = 8'd0;
    reg [7:0] operand_4 = 8'd0;
    reg [7:0] operand_5 = 8'd0;
    reg [7:0] operand_6 = 8'd0;
    reg [7:0] operand_7 = 8'd0;
    reg [25:0] multiplicand = 26'd0;
    reg [27:0] triple = 28'd0;
    reg [25:0] multiplicand_1 = 26'd0;
    reg [8:0] difference = 9'd0;
    wire [7:0] difference_digits = difference[7:0];
    wire [27:0] digit_value_pair_n8_1 = {{2{multiplicand_1[25]}}, multiplicand_1};
    wire [27:0] digit_value_pair_n5 = difference_digits[1] ? {28{difference_digits[0]}} : (difference_digits[0] ?
        digit_value_pair_n8_1 : 28'd0);
    reg [27:0] digit_0_n2 = 28'd0;
    wire [27:0] digit_value_pair_n6 = difference_digits[3] ? {28{difference_digits[2]}} : (difference_digits[2] ?
        digit_value_pair_n8_1 : 28'd0);
    reg [27:0] digit_1_n2 = 28'd0;
    wire [27:0] digit_value_pair_n7 = difference_digits[5] ? {28{difference_digits[4]}} : (difference_digits[4] ?
        digit_value_pair_n8_1 : 28'd0);
    reg [27:0] digit_2_n2 = 28'd0;
    wire [27:0] digit_value_pair_n8 = difference_digits[7] ? {28{difference_digits[6]}} : (difference_digits[6] ?
        digit_value_pair_n8_1 : 28'd0);
    reg [27:0] digit_3_n2 = 28'd0;
    reg difference_sign = 1'd0;
    reg difference_sign_later_1 = 1'd0;
    reg difference_sign_later_2 = 1'd0;
    reg [25:0] multiplicand_later_1 = 26'd0;
    reg [25:0] multiplicand_later_2 = 26'd0;
    reg [25:0] multiplicand_later_3 = 26'd0;
    reg [30:0] digits_low = 31'd0;
    reg [30:0] digits_high = 31'd0;
    reg [36:0] digits_all = 37'd0;
    reg [34:0] operand_product = 35'd0;
    reg operand_sign_1 = 1'd0;
    reg operand_sign_2 = 1'd0;
    reg operand_sign_3 = 1'd0;
    wire operand_lost_pair = instruction_operand_shift[5] ? instruction_operand_shift[4] :
        (instruction_operand_shift[4] ? 1'd0 : 1'd0);
    reg operand_over = 1'd0;
    wire [18:0] operand_moved_pair_1 = operand_product[34:16];
    wire [34:0] operand_moved_pair_2 = instruction_operand_shift[4] ? {{16{operand_moved_pair_1[18]}},
        operand_moved_pair_1} : operand_product;
    wire [34:0] operand_moved_pair = instruction_operand_shift[5] ? {35{instruction_operand_shift[4]}} :
        operand_moved_pair_2;
    reg [34:0] operand_shifted = 35'd0;
    wire operand_lost_pair_n2_1 = instruction_operand_shift[2] ? 1'd0 : ((|operand_shifted[34:30]) &
        (~(&operand_shifted[34:30])));
    wire operand_lost_pair_n2 = instruction_operand_shift[3] ? instruction_operand_shift[2] : operand_lost_pair_n2_1;
    reg operand_over_n2 = 1'd0;
    wire [30:0] operand_moved_pair_n2_1 = instruction_operand_shift[2] ? operand_shifted[34:4] : operand_shifted[30:0];
    wire [30:0] operand_moved_pair_n2 = instruction_operand_shift[3] ? {31{instruction_operand_shift[2]}} :
        operand_moved_pair_n2_1;
    reg [30:0] operand_shifted_n2 = 31'd0;
    wire operand_lost_pair_n3_1 = (|operand_shifted_n2[30:28]) & (~(&operand_shifted_n2[30:28]));
    wire operand_lost_pair_n3_2 = (|operand_shifted_n2[30:27]) & (~(&operand_shifted_n2[30:27]));
    wire operand_lost_pair_n3_3 = instruction_operand_shift[0] ? operand_lost_pair_n3_1 : operand_lost_pair_n3_2;
    wire operand_lost_pair_n3 = instruction_operand_shift[1] ? instruction_operand_shift[0] : operand_lost_pair_n3_3;
    reg operand_over_n3 = 1'd0;
    wire [27:0] operand_moved_pair_n3_1 = instruction_operand_shift[0] ? operand_shifted_n2[28:1] :
        operand_shifted_n2[27:0];
    wire [27:0] operand_moved_pair_n3 = instruction_operand_shift[1] ? {28{instruction_operand_shift[0]}} :
        operand_moved_pair_n3_1;
    reg [27:0] operand_shifted_n3 = 28'd0;
    reg [27:0] operand_saturated = 28'd0;
    reg [27:0] scaled_1 = 28'd0;
    reg [27:0] scaled_2 = 28'd0;
    reg [27:0] scaled_3 = 28'd0;
    reg [27:0] scaled_4 = 28'd0;
    reg [27:0] scaled_5 = 28'd0;
    reg [27:0] scaled_6 = 28'd0;
    reg [27:0] scaled_7 = 28'd0;
    reg [27:0] scaled_8 = 28'd0;
    reg [27:0] scaled_9 = 28'd0;
    reg [27:0] scaled_10 = 28'd0;
    reg [27:0] scaled_added = 28'd0;
    // Zero point and half a step: of a byte, or of a wide value.
    reg [1:0] half_1 = 2'd0;
    reg [1:0] half_2 = 2'd0;
    reg [1:0] half_3 = 2'd0;
    reg [1:0] half_4 = 2'd0;
    reg [1:0] half_5 = 2'd0;
    reg [1:0] half_6 = 2'd0;
    reg [1:0] half_7 = 2'd0;
    reg [1:0] half_8 = 2'd0;
    reg [1:0] half_9 = 2'd0;
    reg [1:0] half_10 = 2'd0;
    reg [1:0] half_11 = 2'd0;
    reg [1:0] half_12 = 2'd0;
    reg [1:0] half_13 = 2'd0;
    reg [1:0] half_14 = 2'd0;
    reg [1:0] half_15 = 2'd0;
    reg [1:0] half_16 = 2'd0;
    reg [1:0] half_17 = 2'd0;
    reg [1:0] half_18 = 2'd0;
    reg [1:0] half_19 = 2'd0;
    reg [1:0] half_20 = 2'd0;
    reg [1:0] half_21 = 2'd0;
    wire [15:0] rounding_1 = {instruction_zero, (~instruction_zero[7]), instruction_zero[6:0]};
    wire [28:0] rounding = half_21[0] ? {{{1{rounding_1[15]}}, rounding_1}, 1'd1, 11'd0} : {{{5{instruction_zero[7]}},
        instruction_zero}, 1'd1, 15'd0};
    reg [28:0] operand_offset = 29'd0;
    // Rounded sum, clamp. Both kinds are compared in steps of a wide value's fraction: a byte is below
    // `lo` or above `hi` whatever those of its fractional bits are that a wide value counts.
    reg [1:0] half_1_n2 = 2'd0;
    reg [29:0] total = 30'd0;
    wire [17:0] y = total[29:12];
    reg [17:0] low_limit = 18'd0;
    reg [17:0] high_limit = 18'd0;
    reg [1:0] half_2_n2 = 2'd0;
    reg below = 1'd0;
    reg above = 1'd0;
    reg [7:0] y_byte = 8'd0;
    reg [7:0] clamped = 8'd0;
    reg write_1 = 1'd0;
    reg [10:0] write_address_1 = 11'd0;
    reg [31:0] write_data_1 = 32'd0;
    wire [31:0] table_memory_read_data;
    reg [7:0] plain_1 = 8'd0;
    reg [7:0] plain_2 = 8'd0;
    reg [7:0] result_byte = 8'd0;
    wire [33:0] digit_2_next_1 = {{{1{sum_2[31]}}, sum_2}, 1'd0};
    wire [33:0] digit_0_next_1 = (digit_value_pair & sum_triple) | ((~digit_value_pair) & digit_2_next_1);
    wire [33:0] digit_1_next_1 = (digit_value_pair_n2 & sum_triple) | ((~digit_value_pair_n2) & digit_2_next_1);
    wire [33:0] digit_2_next_2 = (digit_value_pair_n3 & sum_triple) | ((~digit_value_pair_n3) & digit_2_next_1);
    wire [36:0] digits_pair_next_1 = {{3{digit_0[33]}}, digit_0} + {{{1{digit_1[33]}}, digit_1}, 2'd0};
    wire [36:0] digits_pair_n2_next_1 = {{3{digit_2[33]}}, digit_2} + {{{1{digit_3[33]}}, digit_3}, 2'd0};
    wire [31:0] product_middle_next_1 = digits_sum_later[38:7];
    wire [35:0] product_middle_next_2 = low_product + {{4{product_middle_next_1[31]}}, product_middle_next_1};
    wire [18:0] scaled_product_next_1 = product_middle[35:17];
    wire [32:0] scaled_product_next_2 = product_high + {{14{scaled_product_next_1[18]}}, scaled_product_next_1};
    wire [8:0] scaled_shifted_next_1 = scaled_product[56:48];
    wire [42:0] scaled_shifted_next_2 = scaled_moved_pair & {{34{scaled_shifted_next_1[8]}}, scaled_shifted_next_1};
    wire [24:0] scaled_shifted_next_3 = scaled_product[56:32];
    wire [42:0] scaled_shifted_next_4 = (~scaled_moved_pair) & {{18{scaled_shifted_next_3[24]}},
        scaled_shifted_next_3};
    wire [42:0] scaled_shifted_next_5 = shift_7[5] ? (scaled_shifted_next_2 | scaled_shifted_next_4) :
        scaled_moved_pair;
    wire scaled_over_n2_next_1 = (~scaled_lost_pair_n2) & ((|scaled_shifted[42:38]) & (~(&scaled_shifted[42:38])));
    wire scaled_over_n2_next_2 = scaled_over | (shift_fours[3] ? scaled_over_n2_next_1 : scaled_lost_pair_n2);
    wire [30:0] scaled_shifted_n2_next_1 = (scaled_moved_pair_n2 & scaled_shifted[42:12]) | ((~scaled_moved_pair_n2) &
        scaled_shifted[38:8]);
    wire [30:0] scaled_shifted_n2_next_2 = shift_fours[3] ? scaled_shifted_n2_next_1 : scaled_moved_pair_n2;
    wire scaled_over_n3_next_1 = (~scaled_lost_pair_n3) & ((|scaled_shifted_n2[30:29]) &
        (~(&scaled_shifted_n2[30:29])));
    wire scaled_over_n3_next_2 = scaled_over_n2 | (shift_ones[1] ? scaled_over_n3_next_1 : scaled_lost_pair_n3);
    wire [27:0] scaled_shifted_n3_next_1 = (scaled_moved_pair_n3 & scaled_shifted_n2[30:3]) |
        ((~scaled_moved_pair_n3) & scaled_shifted_n2[29:2]);
    wire [27:0] scaled_shifted_n3_next_2 = shift_ones[1] ? scaled_shifted_n3_next_1 : scaled_moved_pair_n3;
    wire scaled_saturated_next_1 = multiply & ((|scaled_shifted_n3[27:25]) & (~(&scaled_shifted_n3[27:25])));
    wire [26:0] scaled_saturated_next_2 = {(~scaled_sign_3), (multiply ? scaled_sign_3 : (~scaled_sign_3)),
        {25{(~scaled_sign_3)}}};
    wire [27:0] scaled_saturated_next_3 = (scaled_over_n3 | scaled_saturated_next_1) ? {scaled_sign_3,
        scaled_saturated_next_2} : scaled_shifted_n3;
    wire [25:0] multiplicand_next_1 = {{1{instruction_operand_mantissa[24]}}, instruction_operand_mantissa};
    wire [27:0] triple_next_1 = {{2{multiplicand[25]}}, multiplicand} + {{{1{multiplicand[25]}}, multiplicand}, 1'd0};
    wire [8:0] difference_next_1 = {{1{operand_7[7]}}, operand_7} - {{1{instruction_operand_zero[7]}},
        instruction_operand_zero};
    wire [27:0] digit_3_n2_next_1 = {{{1{multiplicand_1[25]}}, multiplicand_1}, 1'd0};
    wire [27:0] digit_0_n2_next_1 = (digit_value_pair_n5 & triple) | ((~digit_value_pair_n5) & digit_3_n2_next_1);
    wire [27:0] digit_0_n2_next_2 = difference_digits[1] ? digit_0_n2_next_1 : digit_value_pair_n5;
    wire [27:0] digit_1_n2_next_1 = (digit_value_pair_n6 & triple) | ((~digit_value_pair_n6) & digit_3_n2_next_1);
    wire [27:0] digit_1_n2_next_2 = difference_digits[3] ? digit_1_n2_next_1 : digit_value_pair_n6;
    wire [27:0] digit_2_n2_next_1 = (digit_value_pair_n7 & triple) | ((~digit_value_pair_n7) & digit_3_n2_next_1);
    wire [27:0] digit_2_n2_next_2 = difference_digits[5] ? digit_2_n2_next_1 : digit_value_pair_n7;
    wire [27:0] digit_3_n2_next_2 = (digit_value_pair_n8 & triple) | ((~digit_value_pair_n8) & digit_3_n2_next_1);
    wire [27:0] digit_3_n2_next_3 = difference_digits[7] ? digit_3_n2_next_2 : digit_value_pair_n8;
    wire [30:0] digits_low_next_1 = {{3{digit_0_n2[27]}}, digit_0_n2} + {{{1{digit_1_n2[27]}}, digit_1_n2}, 2'd0};
    wire [30:0] digits_high_next_1 = {{3{digit_2_n2[27]}}, digit_2_n2} + {{{1{digit_3_n2[27]}}, digit_3_n2}, 2'd0};
    wire [36:0] digits_all_next_1 = {{6{digits_low[30]}}, digits_low} + {{{2{digits_high[30]}}, digits_high}, 4'd0};
    wire [28:0] operand_product_next_1 = {29{difference_sign_later_2}} & {{3{multiplicand_later_3[25]}},
        multiplicand_later_3};
    wire [36:0] operand_product_next_2 = {(digits_all[36:8] - operand_product_next_1), digits_all[7:0]};
    wire [2:0] operand_shifted_next_1 = operand_product[34:32];
    wire [34:0] operand_shifted_next_2 = (~operand_moved_pair) & {{32{operand_shifted_next_1[2]}},
        operand_shifted_next_1};
    wire [34:0] operand_shifted_next_3 = (operand_moved_pair & {35{operand_product[34]}}) | operand_shifted_next_2;
    wire [34:0] operand_shifted_next_4 = instruction_operand_shift[5] ? operand_shifted_next_3 : operand_moved_pair;
    wire operand_over_n2_next_1 = operand_over | (instruction_operand_shift[3] ? 1'd0 : operand_lost_pair_n2);
    wire [22:0] operand_shifted_n2_next_1 = operand_shifted[34:12];
    wire [30:0] operand_shifted_n2_next_2 = {{8{operand_shifted_n2_next_1[22]}}, operand_shifted_n2_next_1};
    wire [26:0] operand_shifted_n2_next_3 = operand_shifted[34:8];
    wire [30:0] operand_shifted_n2_next_4 = {{4{operand_shifted_n2_next_3[26]}}, operand_shifted_n2_next_3};
    wire [30:0] operand_shifted_n2_next_5 = (operand_moved_pair_n2 & operand_shifted_n2_next_2) |
        ((~operand_moved_pair_n2) & operand_shifted_n2_next_4);
    wire [30:0] operand_shifted_n2_next_6 = instruction_operand_shift[3] ? operand_shifted_n2_next_5 :
        operand_moved_pair_n2;
    wire operand_over_n3_next_1 = (|operand_shifted_n2[30:29]) & (~(&operand_shifted_n2[30:29]));
    wire operand_over_n3_next_2 = instruction_operand_shift[1] ? ((~operand_lost_pair_n3) & operand_over_n3_next_1) :
        operand_lost_pair_n3;
    wire [27:0] operand_shifted_n3_next_1 = (operand_moved_pair_n3 & operand_shifted_n2[30:3]) |
        ((~operand_moved_pair_n3) & operand_shifted_n2[29:2]);
    wire [27:0] operand_shifted_n3_next_2 = instruction_operand_shift[1] ? operand_shifted_n3_next_1 :
        operand_moved_pair_n3;
    wire [27:0] operand_saturated_next_1 = operand_over_n3 ? {operand_sign_3, {27{(~operand_sign_3)}}} :
        operand_shifted_n3;
    wire [28:0] operand_offset_next_1 = {29{instruction_operand_on}} & {{1{operand_saturated[27]}}, operand_saturated};
    wire [29:0] total_next_1 = {{2{scaled_added[27]}}, scaled_added} + {{1{operand_offset[28]}}, operand_offset};
    wire [15:0] low_limit_next_1 = {instruction_lo, (~instruction_lo[7]), instruction_lo[6:0]};
    wire [11:0] low_limit_next_2 = {instruction_lo, 4'd0};
    wire [17:0] low_limit_next_3 = half_1_n2[0] ? {{2{low_limit_next_1[15]}}, low_limit_next_1} :
        {{6{low_limit_next_2[11]}}, low_limit_next_2};
    wire [15:0] high_limit_next_1 = {instruction_hi, (~instruction_hi[7]), instruction_hi[6:0]};
    wire [11:0] high_limit_next_2 = {instruction_hi, 4'd15};
    wire [17:0] high_limit_next_3 = half_1_n2[0] ? {{2{high_limit_next_1[15]}}, high_limit_next_1} :
        {{6{high_limit_next_2[11]}}, high_limit_next_2};
    wire [7:0] y_byte_next_1 = half_2_n2[0] ? (half_2_n2[1] ? {(~y[7]), y[6:0]} : y[15:8]) : y[11:4];
    wire [7:0] result_byte_next_1 = plain_2[0] ? table_memory_read_data[31:24] : table_memory_read_data[23:16];
    wire [7:0] result_byte_next_2 = plain_2[0] ? table_memory_read_data[15:8] : table_memory_read_data[7:0];
    wire [7:0] result_byte_next_3 = instruction_table_on ? (plain_2[1] ? result_byte_next_1 : result_byte_next_2) :
        plain_2;
    wire [11:0] table_memory_read_address_1 = {instruction_table, (~clamped[7]), clamped[6:0]};
    assign result = result_byte;
    multiplier_s15x18 high (
        .clock(clock),
        .a(sum_3[31:17]),
        .b(mantissa_3),
        .product(high_product)
    );
    multiplier_s18x18 low (
        .clock(clock),
        .a({1'd0, sum_3[16:0]}),
        .b(mantissa_3),
        .product(low_product)
    );
    ram_512x32 table_memory (
        .clock(clock),
        .write_enable(write_1),
        .write_address(write_address_1[10:2]),
        .write_data(write_data_1),
        .read_address(table_memory_read_address_1[10:2]),
        .read_data(table_memory_read_data)
    );
    always @(posedge clock) begin
        sum_1 <= (sum + channel[31:0]);
        mantissa_1 <= channel[56:32];
        negative_1 <= channel[81:57];
        sum_2 <= sum_1;
        sum_triple <= ({{2{sum_1[31]}}, sum_1} + {{{1{sum_1[31]}}, sum_1}, 1'd0});
        mantissa_2 <= (sum_1[31] ? negative_1 : mantissa_1);
        digit_0 <= (mantissa_digits[1] ? digit_0_next_1 : digit_value_pair);
        digit_1 <= (mantissa_digits[3] ? digit_1_next_1 : digit_value_pair_n2);
        digit_2 <= (mantissa_digits[5] ? digit_2_next_2 : digit_value_pair_n3);
        digit_3 <= digit_value_pair_n4;
        digits_pair <= digits_pair_next_1;
        digits_pair_n2 <= digits_pair_n2_next_1;
        digits_sum <= ({{4{digits_pair[36]}}, digits_pair} + {digits_pair_n2, 4'd0});
        product_middle <= product_middle_next_2;
        product_low <= digits_sum_later[6:0];
        product_high <= high_product;
        scaled_product <= {scaled_product_next_2, product_middle[16:0], product_low};
        shift_1 <= channel[87:82];
        shift_2 <= shift_1;
        shift_3 <= shift_2;
        shift_4 <= shift_3;
        shift_5 <= shift_4;
        shift_6 <= shift_5;
        shift_7 <= shift_6;
        shift_fours <= shift_7[3:0];
        shift_ones <= shift_fours[1:0];
        scaled_sign_1 <= scaled_product[56];
        scaled_sign_2 <= scaled_sign_1;
        scaled_sign_3 <= scaled_sign_2;
        scaled_over <= (shift_7[5] ? 1'd0 : scaled_lost_pair);
        scaled_shifted <= scaled_shifted_next_5;
        scaled_over_n2 <= scaled_over_n2_next_2;
        scaled_shifted_n2 <= scaled_shifted_n2_next_2;
        scaled_over_n3 <= scaled_over_n3_next_2;
        scaled_shifted_n3 <= scaled_shifted_n3_next_2;
        scaled_saturated <= scaled_saturated_next_3;
        operand_1 <= operand;
        operand_2 <= operand_1;
        operand_3 <= operand_2;
        operand_4 <= operand_3;
        operand_5 <= operand_4;
        operand_6 <= operand_5;
        operand_7 <= operand_6;
        multiplicand <= (multiply ? scaled_saturated[25:0] : multiplicand_next_1);
        triple <= triple_next_1;
        multiplicand_1 <= multiplicand;
        difference <= difference_next_1;
        digit_0_n2 <= digit_0_n2_next_2;
        digit_1_n2 <= digit_1_n2_next_2;
        digit_2_n2 <= digit_2_n2_next_2;
        digit_3_n2 <= digit_3_n2_next_3;
        difference_sign <= difference[8];
        difference_sign_later_1 <= difference_sign;
        difference_sign_later_2 <= difference_sign_later_1;
        multiplicand_later_1 <= multiplicand_1;
        multiplicand_later_2 <= multiplicand_later_1;
        multiplicand_later_3 <= multiplicand_later_2;
        digits_low <= digits_low_next_1;
        digits_high <= digits_high_next_1;
        digits_all <= digits_all_next_1;
        operand_product <= operand_product_next_2[34:0];
        operand_sign_1 <= operand_product[34];
        operand_sign_2 <= operand_sign_1;
        operand_sign_3 <= operand_sign_2;
        operand_over <= (instruction_operand_shift[5] ? 1'd0 : operand_lost_pair);
        operand_shifted <= operand_shifted_next_4;
        operand_over_n2 <= operand_over_n2_next_1;
        operand_shifted_n2 <= operand_shifted_n2_next_6;
        operand_over_n3 <= (operand_over_n2 | operand_over_n3_next_2);
        operand_shifted_n3 <= operand_shifted_n3_next_2;
        operand_saturated <= operand_saturated_next_1;
        scaled_1 <= scaled_saturated;
        scaled_2 <= scaled_1;
        scaled_3 <= scaled_2;
        scaled_4 <= scaled_3;
        scaled_5 <= scaled_4;
        scaled_6 <= scaled_5;
        scaled_7 <= scaled_6;
        scaled_8 <= scaled_7;
        scaled_9 <= scaled_8;
        scaled_10 <= scaled_9;
        scaled_added <= (scaled_10 & {28{(~multiply)}});
        half_1 <= channel[89:88];
        half_2 <= half_1;
        half_3 <= half_2;
        half_4 <= half_3;
        half_5 <= half_4;
        half_6 <= half_5;
        half_7 <= half_6;
        half_8 <= half_7;
        half_9 <= half_8;
        half_10 <= half_9;
        half_11 <= half_10;
        half_12 <= half_11;
        half_13 <= half_12;
        half_14 <= half_13;
        half_15 <= half_14;
        half_16 <= half_15;
        half_17 <= half_16;
        half_18 <= half_17;
        half_19 <= half_18;
        half_20 <= half_19;
        half_21 <= half_20;
        operand_offset <= (operand_offset_next_1 + rounding);
        half_1_n2 <= half_21;
        total <= total_next_1;
        low_limit <= low_limit_next_3;
        high_limit <= high_limit_next_3;
        half_2_n2 <= half_1_n2;
        below <= ($signed(y) < $signed(low_limit));
        above <= ($signed(high_limit) < $signed(y));
        y_byte <= y_byte_next_1;
        clamped <= (below ? instruction_lo : (above ? instruction_hi : y_byte));
        write_1 <= table_write;
        write_address_1 <= table_address;
        write_data_1 <= table_data;
        plain_1 <= clamped;
        plain_2 <= plain_1;
        result_byte <= result_byte_next_3;
    end
endmodule

// Requantises a column and collects its bytes.
module vector_post(
    clock, instruction, phase, active, drained, operand, channel, table_write, table_address,
    table_data, value
);
    input wire clock;
    input wire [1023:0] instruction;
    input wire [5:0] phase;
    input wire active;
    input wire [127:0] drained;
    input wire [31:0] operand;
    input wire [89:0] channel;
    input wire table_write;
    input wire [10:0] table_address;
    input wire [31:0] table_data;
    output wire [31:0] value;
    // The lane served by every requantiser in this cycle, and whether one is.
    reg [2:0] turn = 3'd0;
    // turn_at[k] can be seen k cycles before lane group k's sums are selected.
    reg [2:0] turn_spread_1 = 3'd0;
    reg [2:0] operand_turn_1 = 3'd0;
    reg [2:0] operand_turn_2 = 3'd0;
    reg [2:0] operand_turn_3 = 3'd0;
    reg [2:0] operand_turn_4 = 3'd0;
    reg [2:0] operand_turn_5 = 3'd0;
    reg sum_select_0 = 1'd0;
    reg sum_select_0_n2 = 1'd0;
    reg sum_select_0_n3 = 1'd0;
    reg sum_select_0_n4 = 1'd0;
    reg [31:0] sum_0_s1 = 32'd0;
    reg [31:0] sum_0_s1_n2 = 32'd0;
    reg [31:0] sum_0_s2 = 32'd0;
    reg operand_select_0 = 1'd0;
    reg operand_select_0_n2 = 1'd0;
    reg operand_select_0_n3 = 1'd0;
    reg operand_select_0_n4 = 1'd0;
    reg [7:0] operand_0_s1 = 8'd0;
    reg [7:0] operand_0_s1_n2 = 8'd0;
    reg [7:0] operand_0_s2 = 8'd0;
    wire [7:0] operand_0_late = operand_0_s2;
    wire [7:0] requantiser_0_result;
    wire [7:0] result_0 = requantiser_0_result;
    // Bytes come in the order of turns; those of the last turn complete the column.
    reg [2:0] turn_end_1 = 3'd0;
    reg [2:0] turn_end_2 = 3'd0;
    reg [2:0] turn_end_3 = 3'd0;
    reg [2:0] turn_end_4 = 3'd0;
    reg [2:0] turn_end_5 = 3'd0;
    reg [2:0] turn_end_6 = 3'd0;
    reg [2:0] turn_end_7 = 3'd0;
    reg [2:0] turn_end_8 = 3'd0;
    reg [2:0] turn_end_9 = 3'd0;
    reg [2:0] turn_end_10 = 3'd0;
    reg [2:0] turn_end_11 = 3'd0;
    reg [2:0] turn_end_12 = 3'd0;
    reg [2:0] turn_end_13 = 3'd0;
    reg [2:0] turn_end_14 = 3'd0;
    reg [2:0] turn_end_15 = 3'd0;
    reg [2:0] turn_end_16 = 3'd0;
    reg [2:0] turn_end_17 = 3'd0;
    reg [2:0] turn_end_18 = 3'd0;
    reg [2:0] turn_end_19 = 3'd0;
    reg [2:0] turn_end_20 = 3'd0;
    reg [2:0] turn_end_21 = 3'd0;
    reg [2:0] turn_end_22 = 3'd0;
    reg [2:0] turn_end_23 = 3'd0;
    reg [2:0] turn_end_24 = 3'd0;
    reg [2:0] turn_end_25 = 3'd0;
    reg [2:0] turn_end_26 = 3'd0;
    reg [2:0] turn_end_27 = 3'd0;
    reg [2:0] turn_end_28 = 3'd0;
    reg [2:0] turn_end_29 = 3'd0;
    reg [2:0] turn_end_30 = 3'd0;
    reg [2:0] turn_end_31 = 3'd0;
    wire complete = turn_end_31[0] & (turn_end_31[2:1] == 2'd3);
    reg [7:0] byte_0 = 8'd0;
    reg [7:0] held_0 = 8'd0;
    reg [7:0] byte_1 = 8'd0;
    reg [7:0] held_1 = 8'd0;
    reg [7:0] byte_2 = 8'd0;
    reg [7:0] held_2 = 8'd0;
    reg [7:0] held_3 = 8'd0;
    wire [31:0] sum_0_s1_next_1 = ({32{sum_select_0}} & drained[31:0]) | ({32{sum_select_0_n2}} & drained[63:32]);
    wire [31:0] sum_0_s1_n2_next_1 = ({32{sum_select_0_n3}} & drained[95:64]) | ({32{sum_select_0_n4}} &
        drained[127:96]);
    wire [7:0] operand_0_s1_next_1 = ({8{operand_select_0}} & operand[7:0]) | ({8{operand_select_0_n2}} &
        operand[15:8]);
    wire [7:0] operand_0_s1_n2_next_1 = ({8{operand_select_0_n3}} & operand[23:16]) | ({8{operand_select_0_n4}} &
        operand[31:24]);
    assign value = {held_3, held_2, held_1, held_0};
    vector_requantiser requantiser_0 (
        .clock(clock),
        .instruction(instruction),
        .sum(sum_0_s2),
        .channel(channel),
        .operand(operand_0_late),
        .table_write(table_write),
        .table_address(table_address),
        .table_data(table_data),
        .result(requantiser_0_result)
    );
    always @(posedge clock) begin
        turn <= {phase[1:0], (active & (phase < 6'd4))};
        turn_spread_1 <= turn;
        operand_turn_1 <= turn_spread_1;
        operand_turn_2 <= operand_turn_1;
        operand_turn_3 <= operand_turn_2;
        operand_turn_4 <= operand_turn_3;
        operand_turn_5 <= operand_turn_4;
        sum_select_0 <= (turn_spread_1[0] & (turn_spread_1[2:1] == 2'd0));
        sum_select_0_n2 <= (turn_spread_1[0] & (turn_spread_1[2:1] == 2'd1));
        sum_select_0_n3 <= (turn_spread_1[0] & (turn_spread_1[2:1] == 2'd2));
        sum_select_0_n4 <= (turn_spread_1[0] & (turn_spread_1[2:1] == 2'd3));
        sum_0_s1 <= sum_0_s1_next_1;
        sum_0_s1_n2 <= sum_0_s1_n2_next_1;
        sum_0_s2 <= (sum_0_s1 | sum_0_s1_n2);
        operand_select_0 <= (operand_turn_5[0] & (operand_turn_5[2:1] == 2'd0));
        operand_select_0_n2 <= (operand_turn_5[0] & (operand_turn_5[2:1] == 2'd1));
        operand_select_0_n3 <= (operand_turn_5[0] & (operand_turn_5[2:1] == 2'd2));
        operand_select_0_n4 <= (operand_turn_5[0] & (operand_turn_5[2:1] == 2'd3));
        operand_0_s1 <= operand_0_s1_next_1;
        operand_0_s1_n2 <= operand_0_s1_n2_next_1;
        operand_0_s2 <= (operand_0_s1 | operand_0_s1_n2);
        turn_end_1 <= turn_spread_1;
        turn_end_2 <= turn_end_1;
        turn_end_3 <= turn_end_2;
        turn_end_4 <= turn_end_3;
        turn_end_5 <= turn_end_4;
        turn_end_6 <= turn_end_5;
        turn_end_7 <= turn_end_6;
        turn_end_8 <= turn_end_7;
        turn_end_9 <= turn_end_8;
        turn_end_10 <= turn_end_9;
        turn_end_11 <= turn_end_10;
        turn_end_12 <= turn_end_11;
        turn_end_13 <= turn_end_12;
        turn_end_14 <= turn_end_13;
        turn_end_15 <= turn_end_14;
        turn_end_16 <= turn_end_15;
        turn_end_17 <= turn_end_16;
        turn_end_18 <= turn_end_17;
        turn_end_19 <= turn_end_18;
        turn_end_20 <= turn_end_19;
        turn_end_21 <= turn_end_20;
        turn_end_22 <= turn_end_21;
        turn_end_23 <= turn_end_22;
        turn_end_24 <= turn_end_23;
        turn_end_25 <= turn_end_24;
        turn_end_26 <= turn_end_25;
        turn_end_27 <= turn_end_26;
        turn_end_28 <= turn_end_27;
        turn_end_29 <= turn_end_28;
        turn_end_30 <= turn_end_29;
        turn_end_31 <= turn_end_30;
        if ((turn_end_31[0] & (turn_end_31[2:1] == 2'd0))) byte_0 <= result_0;
        if (complete) held_0 <= byte_0;
        if ((turn_end_31[0] & (turn_end_31[2:1] == 2'd1))) byte_1 <= result_0;
        if (complete) held_1 <= byte_1;
        if ((turn_end_31[0] & (turn_end_31[2:1] == 2'd2))) byte_2 <= result_0;
        if (complete) held_2 <= byte_2;
        if (complete) held_3 <= result_0;
    end
endmodule

// Pixels of the next tile, one lane a cycle.
module output_walker_v2(
    clock, issue, start, restart, instruction, reset, push, row, bank, to_end, to_ring, segment
);
    input wire clock;
    input wire issue;
    input wire start;
    input wire restart;
    input wire [1023:0] instruction;
    input wire reset;
    output wire push;
    output wire [14:0] row;
    output wire [1:0] bank;
    output wire to_end;
    output wire to_ring;
    output wire [1:0] segment;
    // Fields in use.
    wire [5:0] instruction_lanes_less_1 = instruction[72:67];
    wire instruction_line_stop = instruction[73];
    wire [12:0] instruction_width_less_1 = instruction[105:93];
    wire [12:0] instruction_lines = instruction[118:106];
    wire [5:0] instruction_line_step = instruction[124:119];
    wire [15:0] instruction_output_base_row = instruction[818:803];
    wire [5:0] instruction_output_base_bank = instruction[824:819];
    wire [15:0] instruction_output_group_row = instruction[840:825];
    wire [5:0] instruction_output_group_bank = instruction[846:841];
    wire [15:0] instruction_output_pixel_row = instruction[862:847];
    wire [5:0] instruction_output_pixel_bank = instruction[868:863];
    wire [15:0] instruction_output_wrap_row = instruction[884:869];
    wire [5:0] instruction_output_wrap_bank = instruction[890:885];
    wire [12:0] instruction_output_ring_line = instruction[903:891];
    wire [5:0] instruction_output_segment_lanes_less_1 = instruction[975:970];
    // Stage 0: which lanes take a pixel, and where lines end.
    wire go = issue | start;
    wire rewind = issue | (start & restart);
    reg active = 1'd0;
    reg [1:0] count = 2'd0;
    reg count_zero = 1'd0;
    reg [5:0] lane_left = 6'd0;
    reg lane_zero = 1'd0;
    reg in_tile = 1'd0;
    reg stopped = 1'd0;
    wire take = (active & in_tile) & (~stopped);
    reg [12:0] x_left = 13'd0;
    reg line_end = 1'd0;
    wire new_line = rewind | (take & line_end);
    reg [5:0] segment_left = 6'd0;
    reg segment_full = 1'd0;
    reg [1:0] segment_r = 2'd0;
    wire next_segment = take & (line_end | segment_full);
    wire segment_load = go | next_segment;
    // Addresses of the group that is walked next.
    reg [1:0] group_step = 2'd0;
    reg [3:0] group_less = 4'd0;
    reg [1:0] group_bank = 2'd0;
    reg [14:0] group_row = 15'd0;
    reg [1:0] next_bank = 2'd0;
    reg next_carry = 1'd0;
    reg [14:0] next_row = 15'd0;
    wire [1:0] first_bank = issue ? instruction_output_base_bank[1:0] : next_bank;
    wire [14:0] first_row = issue ? instruction_output_base_row[14:0] : next_row;
    // Stage 1: bank and line.
    reg [3:0] pixel_less = 4'd0;
    reg [3:0] wrap_less = 4'd0;
    reg [1:0] step_1 = 2'd0;
    reg [3:0] less_1 = 4'd0;
    reg [14:0] row_step_1 = 15'd0;
    // The walk behind the last tile of an instruction may still be under way when the next is issued.
    reg push_1 = 1'd0;
    reg take_1 = 1'd0;
    reg line_1 = 1'd0;
    reg [1:0] bank_1 = 2'd0;
    reg [14:0] remaining = 15'd0;
    // Stage 2: row and coordinates.
    reg carry_2 = 1'd0;
    reg [14:0] row_step_2 = 15'd0;
    reg push_2 = 1'd0;
    reg take_2 = 1'd0;
    reg [1:0] bank_2 = 2'd0;
    reg [14:0] row_2 = 15'd0;
    reg [14:0] ring_left = 15'd0;
    reg end_2 = 1'd0;
    reg ring_2 = 1'd0;
    reg [1:0] segment_1 = 2'd0;
    reg [1:0] segment_2 = 2'd0;
    wire stopped_next_1 = (~go) & (stopped | ((take & line_end) & instruction_line_stop));
    wire line_end_next_1 = new_line ? (~(|instruction_width_less_1)) : (x_left == 13'd1);
    wire [5:0] segment_left_next_1 = segment_load ? instruction_output_segment_lanes_less_1 : (segment_left - 6'd1);
    wire segment_full_next_1 = segment_load ? (~(|instruction_output_segment_lanes_less_1)) : (segment_left == 6'd1);
    wire [3:0] next_bank_next_1 = {2'd0, group_bank} + group_less;
    wire [2:0] next_bank_next_2 = {1'd0, group_bank} + {1'd0, group_step};
    wire [1:0] next_bank_next_3 = next_bank_next_1[3] ? next_bank_next_2[1:0] : next_bank_next_1[1:0];
    wire [15:0] next_row_next_1 = {group_row, next_carry} + {instruction_output_group_row[14:0], next_carry};
    wire [1:0] step_1_next_1 = line_end ? instruction_output_wrap_bank[1:0] : instruction_output_pixel_bank[1:0];
    wire [14:0] row_step_1_next_1 = line_end ? instruction_output_wrap_row[14:0] : instruction_output_pixel_row[14:0];
    wire [3:0] bank_1_next_1 = {2'd0, bank_1} + less_1;
    wire [2:0] bank_1_next_2 = {1'd0, bank_1} + {1'd0, step_1};
    wire [1:0] bank_1_next_3 = rewind ? first_bank : (bank_1_next_1[3] ? bank_1_next_2[1:0] : bank_1_next_1[1:0]);
    wire [14:0] remaining_next_1 = rewind ? {2'd0, instruction_lines} : (remaining - {9'd0, instruction_line_step});
    wire [15:0] row_2_next_1 = {row_2, carry_2} + {row_step_2, carry_2};
    wire [14:0] ring_left_next_1 = rewind ? {2'd0, instruction_output_ring_line} : (ring_left - {9'd0,
        instruction_line_step});
    wire end_2_next_1 = take_1 & ((~remaining[14]) & ((|remaining[13:1]) | remaining[0]));
    assign push = push_2;
    assign row = row_2;
    assign bank = bank_2;
    assign to_end = end_2;
    assign to_ring = ring_2;
    assign segment = segment_2;
    always @(posedge clock) begin
        count <= (go ? 2'd3 : (count - 2'd1));
        count_zero <= ((~go) & (count == 2'd1));
        lane_left <= (go ? instruction_lanes_less_1 : (lane_left - 6'd1));
        lane_zero <= (go ? (~(|instruction_lanes_less_1)) : (lane_left == 6'd1));
        in_tile <= (go | (in_tile & (~lane_zero)));
        stopped <= stopped_next_1;
        if ((rewind | take)) x_left <= (new_line ? instruction_width_less_1 : (x_left - 13'd1));
        if ((rewind | take)) line_end <= line_end_next_1;
        if ((go | take)) segment_left <= segment_left_next_1;
        if ((go | take)) segment_full <= segment_full_next_1;
        if (segment_load) segment_r <= (go ? 2'd0 : (segment_r + 2'd1));
        group_step <= instruction_output_group_bank[1:0];
        group_less <= ({2'd0, instruction_output_group_bank[1:0]} - 4'd4);
        if (rewind) group_bank <= first_bank;
        if (rewind) group_row <= first_row;
        next_bank <= next_bank_next_3;
        next_carry <= (~next_bank_next_1[3]);
        next_row <= next_row_next_1[15:1];
        pixel_less <= ({2'd0, instruction_output_pixel_bank[1:0]} - 4'd4);
        wrap_less <= ({2'd0, instruction_output_wrap_bank[1:0]} - 4'd4);
        step_1 <= step_1_next_1;
        less_1 <= (line_end ? wrap_less : pixel_less);
        row_step_1 <= row_step_1_next_1;
        push_1 <= (active & (~issue));
        take_1 <= (take & (~issue));
        line_1 <= ((take & line_end) & (~issue));
        if ((rewind | take_1)) bank_1 <= bank_1_next_3;
        if ((rewind | line_1)) remaining <= remaining_next_1;
        carry_2 <= (~bank_1_next_1[3]);
        row_step_2 <= row_step_1;
        push_2 <= (push_1 & (~issue));
        take_2 <= (take_1 & (~issue));
        bank_2 <= bank_1;
        if ((rewind | take_2)) row_2 <= (rewind ? first_row : row_2_next_1[15:1]);
        if ((rewind | line_1)) ring_left <= ring_left_next_1;
        end_2 <= end_2_next_1;
        ring_2 <= ((~ring_left[14]) & ((|ring_left[13:1]) | ring_left[0]));
        segment_1 <= segment_r;
        segment_2 <= segment_1;
        if (reset) begin
            active <= 1'd0;
        end else begin
            active <= (go | (active & (~count_zero)));
        end
    end
endmodule

// Writes the lanes' bytes to their banks.
module vector_output(
    clock, issue, instruction, begin_column, first, inner, active, restart, reset, value,
    output_row, output_enable, output_data
);
    input wire clock;
    input wire issue;
    input wire [1023:0] instruction;
    input wire begin_column;
    input wire first;
    input wire inner;
    input wire active;
    input wire restart;
    input wire reset;
    input wire [31:0] value;
    output wire [59:0] output_row;
    output wire [3:0] output_enable;
    output wire [31:0] output_data;
    // Fields in use.
    wire instruction_column_y = instruction[92];
    wire [15:0] instruction_output_ring_rows_negated = instruction[919:904];
    wire [15:0] instruction_output_inner_row = instruction[935:920];
    wire [5:0] instruction_output_inner_bank = instruction[941:936];
    wire [15:0] instruction_output_outer_row = instruction[957:942];
    wire [5:0] instruction_output_outer_bank = instruction[963:958];
    reg load_1 = 1'd0;
    reg load_2 = 1'd0;
    reg restart_walk_1 = 1'd0;
    reg restart_walk_2 = 1'd0;
    wire walker_push;
    wire [14:0] walker_row;
    wire [1:0] walker_bank;
    wire walker_to_end;
    wire walker_to_ring;
    wire [1:0] walker_segment;
    wire [83:0] chain_present;
    wire [14:0] offset_sum_row;
    wire [1:0] offset_sum_bank;
    wire [3:0] offset_sum_less;
    // Output rows of an inner column below the first, and the cycle within the column.
    reg begin_1 = 1'd0;
    reg begin_2 = 1'd0;
    reg inner_1 = 1'd0;
    reg inner_2 = 1'd0;
    reg down = 1'd0;
    reg [5:0] phase = 6'd0;
    reg live_1 = 1'd0;
    reg live_2 = 1'd0;
    reg live_3 = 1'd0;
    wire [59:0] lanes_row;
    wire [7:0] lanes_bank;
    wire [3:0] lanes_enable;
    wire [59:0] row_crossbar_bank_value;
    wire [31:0] row_crossbar_bank_late;
    wire [3:0] row_crossbar_bank_enable;
    wire [20:0] chain_state_1 = {walker_segment, walker_to_ring, walker_to_end, walker_row, walker_bank};
    wire [14:0] offset_row_1 = inner ? instruction_output_inner_row[14:0] : instruction_output_outer_row[14:0];
    wire [1:0] offset_bank_1 = inner ? instruction_output_inner_bank[1:0] : instruction_output_outer_bank[1:0];
    assign output_row = row_crossbar_bank_value;
    assign output_enable = row_crossbar_bank_enable;
    assign output_data = row_crossbar_bank_late;
    output_walker_v2 walker (
        .clock(clock),
        .issue(issue),
        .start(load_2),
        .restart(restart_walk_2),
        .instruction(instruction),
        .reset(reset),
        .push(walker_push),
        .row(walker_row),
        .bank(walker_bank),
        .to_end(walker_to_end),
        .to_ring(walker_to_ring),
        .segment(walker_segment)
    );
    target_chain_v2 chain (
        .clock(clock),
        .push(walker_push),
        .state(chain_state_1),
        .load(load_2),
        .present(chain_present)
    );
    offset offset (
        .clock(clock),
        .advance(begin_column),
        .first(first),
        .row(offset_row_1),
        .bank(offset_bank_1),
        .sum_row(offset_sum_row),
        .sum_bank(offset_sum_bank),
        .sum_less(offset_sum_less)
    );
    target_lanes_v2 lanes (
        .clock(clock),
        .present(chain_present),
        .live(live_3),
        .offset_row(offset_sum_row),
        .offset_bank(offset_sum_bank),
        .offset_less(offset_sum_less),
        .ring_less(instruction_output_ring_rows_negated[14:0]),
        .down(down),
        .phase(phase),
        .row(lanes_row),
        .bank(lanes_bank),
        .enable(lanes_enable)
    );
    // The crossbar carries rows and bytes; the bytes come a cycle after the addresses, which is when
    // it has decoded them.
    write_crossbar row_crossbar (
        .clock(clock),
        .bank(lanes_bank),
        .enable(lanes_enable),
        .value(lanes_row),
        .late(value),
        .bank_value(row_crossbar_bank_value),
        .bank_late(row_crossbar_bank_late),
        .bank_enable(row_crossbar_bank_enable)
    );
    always @(posedge clock) begin
        load_1 <= (begin_column & first);
        load_2 <= load_1;
        restart_walk_1 <= restart;
        restart_walk_2 <= restart_walk_1;
        begin_1 <= begin_column;
        begin_2 <= begin_1;
        inner_1 <= inner;
        inner_2 <= inner_1;
        if (begin_2) down <= (inner_2 ? (down + instruction_column_y) : 1'd0);
        phase <= (begin_2 ? 6'd0 : (phase + 6'd1));
        live_1 <= active;
        live_2 <= live_1;
        live_3 <= live_2;
    end
endmodule

// Executes tile operations on the vector unit.
module vector_engine(
    clock, issue, instruction, gather_data, operand_data, reset, channel_write, channel_word,
    channel_beat, channel_data, table_write, table_address, table_data, gather_row, gather_enable,
    operand_row, operand_enable, output_row, output_data, output_enable, done
);
    input wire clock;
    input wire issue;
    input wire [1023:0] instruction;
    input wire [31:0] gather_data;
    input wire [31:0] operand_data;
    input wire reset;
    input wire channel_write;
    input wire [9:0] channel_word;
    input wire [1:0] channel_beat;
    input wire [31:0] channel_data;
    input wire table_write;
    input wire [10:0] table_address;
    input wire [31:0] table_data;
    output wire [59:0] gather_row;
    output wire [3:0] gather_enable;
    output wire [59:0] operand_row;
    output wire [3:0] operand_enable;
    output wire [59:0] output_row;
    output wire [31:0] output_data;
    output wire [3:0] output_enable;
    output wire done;
    // Fields in use.
    wire instruction_operand_on = instruction[589];
    wire stepper_group_start;
    wire stepper_group_end;
    wire stepper_last_group;
    wire stepper_op_end;
    wire stepper_valid;
    wire stepper_first;
    wire stepper_last;
    wire [1:0] stepper_level;
    wire [5:0] stepper_slot_less_1;
    // The same signals, later by the lead.
    wire [8:0] step = {stepper_op_end, stepper_last_group, stepper_group_end, stepper_group_start, stepper_level,
        stepper_last, stepper_first, stepper_valid};
    wire at_gather_valid = step[0];
    wire at_gather_first = step[1];
    wire at_gather_last = step[2];
    wire [1:0] at_gather_level = step[4:3];
    wire at_gather_group_end = step[6];
    wire at_gather_last_group = step[7];
    wire at_gather_op_end = step[8];
    wire [59:0] gather_gather_row;
    wire [3:0] gather_gather_enable;
    wire gather_high;
    wire [31:0] gather_value;
    // The drain starts four cycles before the first column shows.
    reg [3:0] drain_1 = 4'd0;
    reg [3:0] drain_2 = 4'd0;
    reg [3:0] drain_3 = 4'd0;
    reg [3:0] drain_4 = 4'd0;
    reg [3:0] drain_5 = 4'd0;
    reg [3:0] drain_6 = 4'd0;
    reg [3:0] drain_7 = 4'd0;
    reg [3:0] drain_8 = 4'd0;
    reg [3:0] drain_9 = 4'd0;
    reg [3:0] drain_10 = 4'd0;
    reg [3:0] drain_11 = 4'd0;
    reg [3:0] drain_12 = 4'd0;
    reg [3:0] drain_13 = 4'd0;
    wire columns_active;
    wire columns_begin_column;
    wire columns_first;
    wire columns_inner;
    wire columns_slot_end;
    wire [5:0] columns_phase;
    wire columns_restart;
    wire columns_done;
    reg [1:0] at_reducer_1 = 2'd0;
    reg [1:0] at_reducer_2 = 2'd0;
    reg [1:0] at_reducer_3 = 2'd0;
    reg [1:0] at_reducer_4 = 2'd0;
    reg [1:0] at_reducer_5 = 2'd0;
    reg [1:0] at_reducer_6 = 2'd0;
    reg [1:0] at_reducer_7 = 2'd0;
    reg [1:0] at_reducer_8 = 2'd0;
    reg [1:0] at_reducer_9 = 2'd0;
    reg [1:0] at_reducer_10 = 2'd0;
    reg [1:0] at_reducer_11 = 2'd0;
    reg [1:0] at_reducer_12 = 2'd0;
    reg [1:0] at_reducer_13 = 2'd0;
    reg [1:0] at_reducer_14 = 2'd0;
    reg [1:0] at_reducer_15 = 2'd0;
    wire [127:0] reducer_drained;
    wire lead_time_go;
    wire [2:0] lead_time_go_flags;
    reg [3:0] fetch_1 = 4'd0;
    wire operand_columns_active;
    wire operand_columns_begin_column;
    wire operand_columns_first;
    wire operand_columns_inner;
    wire operand_columns_slot_end;
    wire [5:0] operand_columns_phase;
    wire operand_columns_restart;
    wire operand_columns_done;
    wire [59:0] operand_operand_row;
    wire [3:0] operand_operand_enable;
    wire [31:0] operand_value;
    wire [89:0] channels_channel;
    wire [31:0] post_value;
    // The output's addresses wait for the bytes.
    reg [4:0] steering_1 = 5'd0;
    reg [4:0] steering_2 = 5'd0;
    reg [4:0] steering_3 = 5'd0;
    reg [4:0] steering_4 = 5'd0;
    reg [4:0] steering_5 = 5'd0;
    reg [4:0] steering_6 = 5'd0;
    reg [4:0] steering_7 = 5'd0;
    reg [4:0] steering_8 = 5'd0;
    reg [4:0] steering_9 = 5'd0;
    reg [4:0] steering_10 = 5'd0;
    reg [4:0] steering_11 = 5'd0;
    reg [4:0] steering_12 = 5'd0;
    reg [4:0] steering_13 = 5'd0;
    reg [4:0] steering_14 = 5'd0;
    reg [4:0] steering_15 = 5'd0;
    reg [4:0] steering_16 = 5'd0;
    reg [4:0] steering_17 = 5'd0;
    reg [4:0] steering_18 = 5'd0;
    reg [4:0] steering_19 = 5'd0;
    reg [4:0] steering_20 = 5'd0;
    reg [4:0] steering_21 = 5'd0;
    reg [4:0] steering_22 = 5'd0;
    reg [4:0] steering_23 = 5'd0;
    reg [4:0] steering_24 = 5'd0;
    reg [4:0] steering_25 = 5'd0;
    reg [4:0] steering_26 = 5'd0;
    reg [4:0] steering_27 = 5'd0;
    reg [4:0] steering_28 = 5'd0;
    reg [4:0] steering_29 = 5'd0;
    reg [4:0] steering_30 = 5'd0;
    reg [4:0] steering_31 = 5'd0;
    wire [59:0] write_back_output_row;
    wire [3:0] write_back_output_enable;
    wire [31:0] write_back_output_data;
    reg finished_1 = 1'd0;
    reg finished_2 = 1'd0;
    reg finished_3 = 1'd0;
    reg finished_4 = 1'd0;
    reg finished_5 = 1'd0;
    reg finished_6 = 1'd0;
    reg finished_7 = 1'd0;
    reg finished_8 = 1'd0;
    reg finished_9 = 1'd0;
    reg finished_10 = 1'd0;
    reg finished_11 = 1'd0;
    reg finished_12 = 1'd0;
    reg finished_13 = 1'd0;
    reg finished_14 = 1'd0;
    reg finished_15 = 1'd0;
    reg finished_16 = 1'd0;
    reg finished_17 = 1'd0;
    reg finished_18 = 1'd0;
    reg finished_19 = 1'd0;
    reg finished_20 = 1'd0;
    reg finished_21 = 1'd0;
    reg finished_22 = 1'd0;
    reg finished_23 = 1'd0;
    reg finished_24 = 1'd0;
    reg finished_25 = 1'd0;
    reg finished_26 = 1'd0;
    reg finished_27 = 1'd0;
    reg finished_28 = 1'd0;
    reg finished_29 = 1'd0;
    reg finished_30 = 1'd0;
    reg finished_31 = 1'd0;
    reg finished_32 = 1'd0;
    reg finished_33 = 1'd0;
    reg finished_34 = 1'd0;
    reg finished_35 = 1'd0;
    reg finished_36 = 1'd0;
    reg finished_37 = 1'd0;
    reg finished_38 = 1'd0;
    reg finished_39 = 1'd0;
    reg finished_40 = 1'd0;
    wire [3:0] drain_1_next_1 = {at_gather_last, at_gather_group_end, at_gather_last_group, at_gather_op_end};
    wire [4:0] steering_1_next_1 = {columns_restart, columns_active, columns_inner, columns_first,
        columns_begin_column};
    assign gather_row = gather_gather_row;
    assign gather_enable = gather_gather_enable;
    assign operand_row = operand_operand_row;
    assign operand_enable = operand_operand_enable;
    assign output_row = write_back_output_row;
    assign output_data = write_back_output_data;
    assign output_enable = write_back_output_enable;
    assign done = finished_40;
    vector_stepper stepper (
        .clock(clock),
        .issue(issue),
        .instruction(instruction),
        .reset(reset),
        .group_start(stepper_group_start),
        .group_end(stepper_group_end),
        .last_group(stepper_last_group),
        .op_end(stepper_op_end),
        .valid(stepper_valid),
        .first(stepper_first),
        .last(stepper_last),
        .level(stepper_level),
        .slot_less_1(stepper_slot_less_1)
    );
    vector_gather gather (
        .clock(clock),
        .issue(issue),
        .instruction(instruction),
        .valid(at_gather_valid),
        .first(at_gather_first),
        .level(at_gather_level),
        .group_end(at_gather_group_end),
        .gather_data(gather_data),
        .reset(reset),
        .gather_row(gather_gather_row),
        .gather_enable(gather_gather_enable),
        .high(gather_high),
        .value(gather_value)
    );
    columns columns (
        .clock(clock),
        .start(drain_13[3]),
        .group_end(drain_13[2]),
        .last_group(drain_13[1]),
        .op_end(drain_13[0]),
        .slot_less_1(stepper_slot_less_1),
        .instruction(instruction),
        .reset(reset),
        .active(columns_active),
        .begin_column(columns_begin_column),
        .first(columns_first),
        .inner(columns_inner),
        .slot_end(columns_slot_end),
        .phase(columns_phase),
        .restart(columns_restart),
        .done(columns_done)
    );
    reducer reducer (
        .clock(clock),
        .value(gather_value),
        .high(gather_high),
        .first(at_reducer_15[1]),
        .last(at_reducer_15[0]),
        .instruction(instruction),
        .drained(reducer_drained)
    );
    // The operand's columns, P - S + 1 cycles after the last step at the stepper.
    lead_time lead_time (
        .clock(clock),
        .start((stepper_last & instruction_operand_on)),
        .flags({stepper_group_end, stepper_last_group, stepper_op_end}),
        .slot_less_1(stepper_slot_less_1),
        .reset(reset),
        .go(lead_time_go),
        .go_flags(lead_time_go_flags)
    );
    columns operand_columns (
        .clock(clock),
        .start(fetch_1[3]),
        .group_end(fetch_1[2]),
        .last_group(fetch_1[1]),
        .op_end(fetch_1[0]),
        .slot_less_1(stepper_slot_less_1),
        .instruction(instruction),
        .reset(reset),
        .active(operand_columns_active),
        .begin_column(operand_columns_begin_column),
        .first(operand_columns_first),
        .inner(operand_columns_inner),
        .slot_end(operand_columns_slot_end),
        .phase(operand_columns_phase),
        .restart(operand_columns_restart),
        .done(operand_columns_done)
    );
    vector_operand operand (
        .clock(clock),
        .issue(issue),
        .instruction(instruction),
        .begin_column(operand_columns_begin_column),
        .first(operand_columns_first),
        .inner(operand_columns_inner),
        .active(operand_columns_active),
        .restart(operand_columns_restart),
        .reset(reset),
        .slot_end(operand_columns_slot_end),
        .operand_data(operand_data),
        .operand_row(operand_operand_row),
        .operand_enable(operand_operand_enable),
        .value(operand_value)
    );
    vector_channels channels (
        .clock(clock),
        .issue(issue),
        .instruction(instruction),
        .begin_column(columns_begin_column),
        .first(columns_first),
        .restart(columns_restart),
        .channel_write(channel_write),
        .channel_word(channel_word),
        .channel_beat(channel_beat),
        .channel_data(channel_data),
        .channel(channels_channel)
    );
    vector_post post (
        .clock(clock),
        .instruction(instruction),
        .phase(columns_phase),
        .active(columns_active),
        .drained(reducer_drained),
        .operand(operand_value),
        .channel(channels_channel),
        .table_write(table_write),
        .table_address(table_address),
        .table_data(table_data),
        .value(post_value)
    );
    vector_output write_back (
        .clock(clock),
        .issue(issue),
        .instruction(instruction),
        .begin_column(steering_31[0]),
        .first(steering_31[1]),
        .inner(steering_31[2]),
        .active(steering_31[3]),
        .restart(steering_31[4]),
        .reset(reset),
        .value(post_value),
        .output_row(write_back_output_row),
        .output_enable(write_back_output_enable),
        .output_data(write_back_output_data)
    );
    always @(posedge clock) begin
        drain_1 <= drain_1_next_1;
        drain_2 <= drain_1;
        drain_3 <= drain_2;
        drain_4 <= drain_3;
        drain_5 <= drain_4;
        drain_6 <= drain_5;
        drain_7 <= drain_6;
        drain_8 <= drain_7;
        drain_9 <= drain_8;
        drain_10 <= drain_9;
        drain_11 <= drain_10;
        drain_12 <= drain_11;
        drain_13 <= drain_12;
        at_reducer_1 <= {at_gather_first, at_gather_last};
        at_reducer_2 <= at_reducer_1;
        at_reducer_3 <= at_reducer_2;
        at_reducer_4 <= at_reducer_3;
        at_reducer_5 <= at_reducer_4;
        at_reducer_6 <= at_reducer_5;
        at_reducer_7 <= at_reducer_6;
        at_reducer_8 <= at_reducer_7;
        at_reducer_9 <= at_reducer_8;
        at_reducer_10 <= at_reducer_9;
        at_reducer_11 <= at_reducer_10;
        at_reducer_12 <= at_reducer_11;
        at_reducer_13 <= at_reducer_12;
        at_reducer_14 <= at_reducer_13;
        at_reducer_15 <= at_reducer_14;
        fetch_1 <= {lead_time_go, lead_time_go_flags};
        steering_1 <= steering_1_next_1;
        steering_2 <= steering_1;
        steering_3 <= steering_2;
        steering_4 <= steering_3;
        steering_5 <= steering_4;
        steering_6 <= steering_5;
        steering_7 <= steering_6;
        steering_8 <= steering_7;
        steering_9 <= steering_8;
        steering_10 <= steering_9;
        steering_11 <= steering_10;
        steering_12 <= steering_11;
        steering_13 <= steering_12;
        steering_14 <= steering_13;
        steering_15 <= steering_14;
        steering_16 <= steering_15;
        steering_17 <= steering_16;
        steering_18 <= steering_17;
        steering_19 <= steering_18;
        steering_20 <= steering_19;
        steering_21 <= steering_20;
        steering_22 <= steering_21;
        steering_23 <= steering_22;
        steering_24 <= steering_23;
        steering_25 <= steering_24;
        steering_26 <= steering_25;
        steering_27 <= steering_26;
        steering_28 <= steering_27;
        steering_29 <= steering_28;
        steering_30 <= steering_29;
        steering_31 <= steering_30;
        finished_1 <= columns_done;
        finished_2 <= finished_1;
        finished_3 <= finished_2;
        finished_4 <= finished_3;
        finished_5 <= finished_4;
        finished_6 <= finished_5;
        finished_7 <= finished_6;
        finished_8 <= finished_7;
        finished_9 <= finished_8;
        finished_10 <= finished_9;
        finished_11 <= finished_10;
        finished_12 <= finished_11;
        finished_13 <= finished_12;
        finished_14 <= finished_13;
        finished_15 <= finished_14;
        finished_16 <= finished_15;
        finished_17 <= finished_16;
        finished_18 <= finished_17;
        finished_19 <= finished_18;
        finished_20 <= finished_19;
        finished_21 <= finished_20;
        finished_22 <= finished_21;
        finished_23 <= finished_22;
        finished_24 <= finished_23;
        finished_25 <= finished_24;
        finished_26 <= finished_25;
        finished_27 <= finished_26;
        finished_28 <= finished_27;
        finished_29 <= finished_28;
        finished_30 <= finished_29;
        finished_31 <= finished_30;
        finished_32 <= finished_31;
        finished_33 <= finished_32;
        finished_34 <= finished_33;
        finished_35 <= finished_34;
        finished_36 <= finished_35;
        finished_37 <= finished_36;
        finished_38 <= finished_37;
        finished_39 <= finished_38;
        finished_40 <= finished_39;
    end
endmodule

// Memory of 2048 words of 8 bits, one write and one read port; data 2 cycles after the address.
module ram_2048x8(clock, write_enable, write_address, write_data, read_address, read_data);
    input wire clock;
    input wire write_enable;
    input wire [10:0] write_address;
    input wire [7:0] write_data;
    input wire [10:0] read_address;
    output wire [7:0] read_data;
    (* no_rw_check *)
    reg [7:0] memory [0:2047];
    reg [7:0] data_1;
    reg [7:0] data_2;
    `ifndef SYNTHESIS
    integer i;
    initial begin
        for (i = 0; i < 2048; i = i + 1) memory[i] = 0;
        data_1 = 0;
        data_2 = 0;
    end
    `endif
    always @(posedge clock) begin
        if (write_enable) memory[write_address] <= write_data;
    end
    always @(posedge clock) begin
        data_1 <= memory[read_address];
        data_2 <= data_1;
    end
    assign read_data = data_2;
endmodule

// One bank of feature memory: the same byte column of all pages.
module feature_bank(
    clock, compute_gather_row, compute_gather_enable, compute_operand_row, compute_operand_enable,
    vector_gather_row, vector_gather_enable, vector_operand_row, vector_operand_enable, store_row,
    store_enable, compute_output_row, compute_output_enable, vector_output_row,
    vector_output_enable, load_row, load_enable, compute_output_data, vector_output_data, load_data,
    compute_gather_data, compute_operand_data, vector_gather_data, vector_operand_data, store_data
);
    input wire clock;
    input wire [14:0] compute_gather_row;
    input wire compute_gather_enable;
    input wire [14:0] compute_operand_row;
    input wire compute_operand_enable;
    input wire [14:0] vector_gather_row;
    input wire vector_gather_enable;
    input wire [14:0] vector_operand_row;
    input wire vector_operand_enable;
    input wire [14:0] store_row;
    input wire store_enable;
    input wire [14:0] compute_output_row;
    input wire compute_output_enable;
    input wire [14:0] vector_output_row;
    input wire vector_output_enable;
    input wire [14:0] load_row;
    input wire load_enable;
    input wire [7:0] compute_output_data;
    input wire [7:0] vector_output_data;
    input wire [7:0] load_data;
    output wire [7:0] compute_gather_data;
    output wire [7:0] compute_operand_data;
    output wire [7:0] vector_gather_data;
    output wire [7:0] vector_operand_data;
    output wire [7:0] store_data;
    // The page that every requester addresses.
    wire compute_gather_page_0 = compute_gather_enable & (compute_gather_row[14:11] == 4'd0);
    wire compute_gather_page_1 = compute_gather_enable & (compute_gather_row[14:11] == 4'd1);
    wire compute_gather_page_2 = compute_gather_enable & (compute_gather_row[14:11] == 4'd2);
    wire compute_gather_page_3 = compute_gather_enable & (compute_gather_row[14:11] == 4'd3);
    wire compute_gather_page_4 = compute_gather_enable & (compute_gather_row[14:11] == 4'd4);
    wire compute_gather_page_5 = compute_gather_enable & (compute_gather_row[14:11] == 4'd5);
    wire compute_gather_page_6 = compute_gather_enable & (compute_gather_row[14:11] == 4'd6);
    wire compute_gather_page_7 = compute_gather_enable & (compute_gather_row[14:11] == 4'd7);
    wire compute_gather_page_8 = compute_gather_enable & (compute_gather_row[14:11] == 4'd8);
    wire compute_gather_page_9 = compute_gather_enable & (compute_gather_row[14:11] == 4'd9);
    wire compute_gather_page_10 = compute_gather_enable & (compute_gather_row[14:11] == 4'd10);
    wire compute_gather_page_11 = compute_gather_enable & (compute_gather_row[14:11] == 4'd11);
    wire compute_gather_page_12 = compute_gather_enable & (compute_gather_row[14:11] == 4'd12);
    wire compute_gather_page_13 = compute_gather_enable & (compute_gather_row[14:11] == 4'd13);
    wire [4:0] compute_gather_page = {compute_gather_enable, compute_gather_row[14:11]};
    wire compute_operand_page_0 = compute_operand_enable & (compute_operand_row[14:11] == 4'd0);
    wire compute_operand_page_1 = compute_operand_enable & (compute_operand_row[14:11] == 4'd1);
    wire compute_operand_page_2 = compute_operand_enable & (compute_operand_row[14:11] == 4'd2);
    wire compute_operand_page_3 = compute_operand_enable & (compute_operand_row[14:11] == 4'd3);
    wire compute_operand_page_4 = compute_operand_enable & (compute_operand_row[14:11] == 4'd4);
    wire compute_operand_page_5 = compute_operand_enable & (compute_operand_row[14:11] == 4'd5);
    wire compute_operand_page_6 = compute_operand_enable & (compute_operand_row[14:11] == 4'd6);
    wire compute_operand_page_7 = compute_operand_enable & (compute_operand_row[14:11] == 4'd7);
    wire compute_operand_page_8 = compute_operand_enable & (compute_operand_row[14:11] == 4'd8);
    wire compute_operand_page_9 = compute_operand_enable & (compute_operand_row[14:11] == 4'd9);
    wire compute_operand_page_10 = compute_operand_enable & (compute_operand_row[14:11] == 4'd10);
    wire compute_operand_page_11 = compute_operand_enable & (compute_operand_row[14:11] == 4'd11);
    wire compute_operand_page_12 = compute_operand_enable & (compute_operand_row[14:11] == 4'd12);
    wire compute_operand_page_13 = compute_operand_enable & (compute_operand_row[14:11] == 4'd13);
    wire [4:0] compute_operand_page = {compute_operand_enable, compute_operand_row[14:11]};
    wire vector_gather_page_0 = vector_gather_enable & (vector_gather_row[14:11] == 4'd0);
    wire vector_gather_page_1 = vector_gather_enable & (vector_gather_row[14:11] == 4'd1);
    wire vector_gather_page_2 = vector_gather_enable & (vector_gather_row[14:11] == 4'd2);
    wire vector_gather_page_3 = vector_gather_enable & (vector_gather_row[14:11] == 4'd3);
    wire vector_gather_page_4 = vector_gather_enable & (vector_gather_row[14:11] == 4'd4);
    wire vector_gather_page_5 = vector_gather_enable & (vector_gather_row[14:11] == 4'd5);
    wire vector_gather_page_6 = vector_gather_enable & (vector_gather_row[14:11] == 4'd6);
    wire vector_gather_page_7 = vector_gather_enable & (vector_gather_row[14:11] == 4'd7);
    wire vector_gather_page_8 = vector_gather_enable & (vector_gather_row[14:11] == 4'd8);
    wire vector_gather_page_9 = vector_gather_enable & (vector_gather_row[14:11] == 4'd9);
    wire vector_gather_page_10 = vector_gather_enable & (vector_gather_row[14:11] == 4'd10);
    wire vector_gather_page_11 = vector_gather_enable & (vector_gather_row[14:11] == 4'd11);
    wire vector_gather_page_12 = vector_gather_enable & (vector_gather_row[14:11] == 4'd12);
    wire vector_gather_page_13 = vector_gather_enable & (vector_gather_row[14:11] == 4'd13);
    wire [4:0] vector_gather_page = {vector_gather_enable, vector_gather_row[14:11]};
    wire vector_operand_page_0 = vector_operand_enable & (vector_operand_row[14:11] == 4'd0);
    wire vector_operand_page_1 = vector_operand_enable & (vector_operand_row[14:11] == 4'd1);
    wire vector_operand_page_2 = vector_operand_enable & (vector_operand_row[14:11] == 4'd2);
    wire vector_operand_page_3 = vector_operand_enable & (vector_operand_row[14:11] == 4'd3);
    wire vector_operand_page_4 = vector_operand_enable & (vector_operand_row[14:11] == 4'd4);
    wire vector_operand_page_5 = vector_operand_enable & (vector_operand_row[14:11] == 4'd5);
    wire vector_operand_page_6 = vector_operand_enable & (vector_operand_row[14:11] == 4'd6);
    wire vector_operand_page_7 = vector_operand_enable & (vector_operand_row[14:11] == 4'd7);
    wire vector_operand_page_8 = vector_operand_enable & (vector_operand_row[14:11] == 4'd8);
    wire vector_operand_page_9 = vector_operand_enable & (vector_operand_row[14:11] == 4'd9);
    wire vector_operand_page_10 = vector_operand_enable & (vector_operand_row[14:11] == 4'd10);
    wire vector_operand_page_11 = vector_operand_enable & (vector_operand_row[14:11] == 4'd11);
    wire vector_operand_page_12 = vector_operand_enable & (vector_operand_row[14:11] == 4'd12);
    wire vector_operand_page_13 = vector_operand_enable & (vector_operand_row[14:11] == 4'd13);
    wire [4:0] vector_operand_page = {vector_operand_enable, vector_operand_row[14:11]};
    wire store_page_0 = store_enable & (store_row[14:11] == 4'd0);
    wire store_page_1 = store_enable & (store_row[14:11] == 4'd1);
    wire store_page_2 = store_enable & (store_row[14:11] == 4'd2);
    wire store_page_3 = store_enable & (store_row[14:11] == 4'd3);
    wire store_page_4 = store_enable & (store_row[14:11] == 4'd4);
    wire store_page_5 = store_enable & (store_row[14:11] == 4'd5);
    wire store_page_6 = store_enable & (store_row[14:11] == 4'd6);
    wire store_page_7 = store_enable & (store_row[14:11] == 4'd7);
    wire store_page_8 = store_enable & (store_row[14:11] == 4'd8);
    wire store_page_9 = store_enable & (store_row[14:11] == 4'd9);
    wire store_page_10 = store_enable & (store_row[14:11] == 4'd10);
    wire store_page_11 = store_enable & (store_row[14:11] == 4'd11);
    wire store_page_12 = store_enable & (store_row[14:11] == 4'd12);
    wire store_page_13 = store_enable & (store_row[14:11] == 4'd13);
    wire [4:0] store_page = {store_enable, store_row[14:11]};
    wire compute_output_page_0 = compute_output_enable & (compute_output_row[14:11] == 4'd0);
    wire compute_output_page_1 = compute_output_enable & (compute_output_row[14:11] == 4'd1);
    wire compute_output_page_2 = compute_output_enable & (compute_output_row[14:11] == 4'd2);
    wire compute_output_page_3 = compute_output_enable & (compute_output_row[14:11] == 4'd3);
    wire compute_output_page_4 = compute_output_enable & (compute_output_row[14:11] == 4'd4);
    wire compute_output_page_5 = compute_output_enable & (compute_output_row[14:11] == 4'd5);
    wire compute_output_page_6 = compute_output_enable & (compute_output_row[14:11] == 4'd6);
    wire compute_output_page_7 = compute_output_enable & (compute_output_row[14:11] == 4'd7);
    wire compute_output_page_8 = compute_output_enable & (compute_output_row[14:11] == 4'd8);
    wire compute_output_page_9 = compute_output_enable & (compute_output_row[14:11] == 4'd9);
    wire compute_output_page_10 = compute_output_enable & (compute_output_row[14:11] == 4'd10);
    wire compute_output_page_11 = compute_output_enable & (compute_output_row[14:11] == 4'd11);
    wire compute_output_page_12 = compute_output_enable & (compute_output_row[14:11] == 4'd12);
    wire compute_output_page_13 = compute_output_enable & (compute_output_row[14:11] == 4'd13);
    wire vector_output_page_0 = vector_output_enable & (vector_output_row[14:11] == 4'd0);
    wire vector_output_page_1 = vector_output_enable & (vector_output_row[14:11] == 4'd1);
    wire vector_output_page_2 = vector_output_enable & (vector_output_row[14:11] == 4'd2);
    wire vector_output_page_3 = vector_output_enable & (vector_output_row[14:11] == 4'd3);
    wire vector_output_page_4 = vector_output_enable & (vector_output_row[14:11] == 4'd4);
    wire vector_output_page_5 = vector_output_enable & (vector_output_row[14:11] == 4'd5);
    wire vector_output_page_6 = vector_output_enable & (vector_output_row[14:11] == 4'd6);
    wire vector_output_page_7 = vector_output_enable & (vector_output_row[14:11] == 4'd7);
    wire vector_output_page_8 = vector_output_enable & (vector_output_row[14:11] == 4'd8);
    wire vector_output_page_9 = vector_output_enable & (vector_output_row[14:11] == 4'd9);
    wire vector_output_page_10 = vector_output_enable & (vector_output_row[14:11] == 4'd10);
    wire vector_output_page_11 = vector_output_enable & (vector_output_row[14:11] == 4'd11);
    wire vector_output_page_12 = vector_output_enable & (vector_output_row[14:11] == 4'd12);
    wire vector_output_page_13 = vector_output_enable & (vector_output_row[14:11] == 4'd13);
    wire load_page_0 = load_enable & (load_row[14:11] == 4'd0);
    wire load_page_1 = load_enable & (load_row[14:11] == 4'd1);
    wire load_page_2 = load_enable & (load_row[14:11] == 4'd2);
    wire load_page_3 = load_enable & (load_row[14:11] == 4'd3);
    wire load_page_4 = load_enable & (load_row[14:11] == 4'd4);
    wire load_page_5 = load_enable & (load_row[14:11] == 4'd5);
    wire load_page_6 = load_enable & (load_row[14:11] == 4'd6);
    wire load_page_7 = load_enable & (load_row[14:11] == 4'd7);
    wire load_page_8 = load_enable & (load_row[14:11] == 4'd8);
    wire load_page_9 = load_enable & (load_row[14:11] == 4'd9);
    wire load_page_10 = load_enable & (load_row[14:11] == 4'd10);
    wire load_page_11 = load_enable & (load_row[14:11] == 4'd11);
    wire load_page_12 = load_enable & (load_row[14:11] == 4'd12);
    wire load_page_13 = load_enable & (load_row[14:11] == 4'd13);
    // Page 0: of its requesters at most one reads and one writes.
    reg [10:0] read_row_0 = 11'd0;
    reg [10:0] write_row_0 = 11'd0;
    reg [7:0] write_data_0 = 8'd0;
    reg write_enable_0 = 1'd0;
    wire [7:0] page_0_read_data;
    // Page 1: of its requesters at most one reads and one writes.
    reg [10:0] read_row_1 = 11'd0;
    reg [10:0] write_row_1 = 11'd0;
    reg [7:0] write_data_1 = 8'd0;
    reg write_enable_1 = 1'd0;
    wire [7:0] page_1_read_data;
    // Page 2: of its requesters at most one reads and one writes.
    reg [10:0] read_row_2 = 11'd0;
    reg [10:0] write_row_2 = 11'd0;
    reg [7:0] write_data_2 = 8'd0;
    reg write_enable_2 = 1'd0;
    wire [7:0] page_2_read_data;
    // Page 3: of its requesters at most one reads and one writes.
    reg [10:0] read_row_3 = 11'd0;
    reg [10:0] write_row_3 = 11'd0;
    reg [7:0] write_data_3 = 8'd0;
    reg write_enable_3 = 1'd0;
    wire [7:0] page_3_read_data;
    // Page 4: of its requesters at most one reads and one writes.
    reg [10:0] read_row_4 = 11'd0;
    reg [10:0] write_row_4 = 11'd0;
    reg [7:0] write_data_4 = 8'd0;
    reg write_enable_4 = 1'd0;
    wire [7:0] page_4_read_data;
    // Page 5: of its requesters at most one reads and one writes.
    reg [10:0] read_row_5 = 11'd0;
    reg [10:0] write_row_5 = 11'd0;
    reg [7:0] write_data_5 = 8'd0;
    reg write_enable_5 = 1'd0;
    wire [7:0] page_5_read_data;
    // Page 6: of its requesters at most one reads and one writes.
    reg [10:0] read_row_6 = 11'd0;
    reg [10:0] write_row_6 = 11'd0;
    reg [7:0] write_data_6 = 8'd0;
    reg write_enable_6 = 1'd0;
    wire [7:0] page_6_read_data;
    // Page 7: of its requesters at most one reads and one writes.
    reg [10:0] read_row_7 = 11'd0;
    reg [10:0] write_row_7 = 11'd0;
    reg [7:0] write_data_7 = 8'd0;
    reg write_enable_7 = 1'd0;
    wire [7:0] page_7_read_data;
    // Page 8: of its requesters at most one reads and one writes.
    reg [10:0] read_row_8 = 11'd0;
    reg [10:0] write_row_8 = 11'd0;
    reg [7:0] write_data_8 = 8'd0;
    reg write_enable_8 = 1'd0;
    wire [7:0] page_8_read_data;
    // Page 9: of its requesters at most one reads and one writes.
    reg [10:0] read_row_9 = 11'd0;
    reg [10:0] write_row_9 = 11'd0;
    reg [7:0] write_data_9 = 8'd0;
    reg write_enable_9 = 1'd0;
    wire [7:0] page_9_read_data;
    // Page 10: of its requesters at most one reads and one writes.
    reg [10:0] read_row_10 = 11'd0;
    reg [10:0] write_row_10 = 11'd0;
    reg [7:0] write_data_10 = 8'd0;
    reg write_enable_10 = 1'd0;
    wire [7:0] page_10_read_data;
    // Page 11: of its requesters at most one reads and one writes.
    reg [10:0] read_row_11 = 11'd0;
    reg [10:0] write_row_11 = 11'd0;
    reg [7:0] write_data_11 = 8'd0;
    reg write_enable_11 = 1'd0;
    wire [7:0] page_11_read_data;
    // Page 12: of its requesters at most one reads and one writes.
    reg [10:0] read_row_12 = 11'd0;
    reg [10:0] write_row_12 = 11'd0;
    reg [7:0] write_data_12 = 8'd0;
    reg write_enable_12 = 1'd0;
    wire [7:0] page_12_read_data;
    // Page 13: of its requesters at most one reads and one writes.
    reg [10:0] read_row_13 = 11'd0;
    reg [10:0] write_row_13 = 11'd0;
    reg [7:0] write_data_13 = 8'd0;
    reg write_enable_13 = 1'd0;
    wire [7:0] page_13_read_data;
    // What compute_gather reads: the page number travels along and is decoded just before the data come.
    reg [4:0] compute_gather_page_late_1 = 5'd0;
    reg [4:0] compute_gather_page_late_2 = 5'd0;
    reg [13:0] compute_gather_chosen = 14'd0;
    reg [7:0] compute_gather_data_r = 8'd0;
    // What compute_operand reads: the page number travels along and is decoded just before the data come.
    reg [4:0] compute_operand_page_late_1 = 5'd0;
    reg [4:0] compute_operand_page_late_2 = 5'd0;
    reg [13:0] compute_operand_chosen = 14'd0;
    reg [7:0] compute_operand_data_r = 8'd0;
    // What vector_gather reads: the page number travels along and is decoded just before the data come.
    reg [4:0] vector_gather_page_late_1 = 5'd0;
    reg [4:0] vector_gather_page_late_2 = 5'd0;
    reg [13:0] vector_gather_chosen = 14'd0;
    reg [7:0] vector_gather_data_r = 8'd0;
    // What vector_operand reads: the page number travels along and is decoded just before the data come.
    reg [4:0] vector_operand_page_late_1 = 5'd0;
    reg [4:0] vector_operand_page_late_2 = 5'd0;
    reg [13:0] vector_operand_chosen = 14'd0;
    reg [7:0] vector_operand_data_r = 8'd0;
    // What store reads: the page number travels along and is decoded just before the data come.
    reg [4:0] store_page_late_1 = 5'd0;
    reg [4:0] store_page_late_2 = 5'd0;
    reg [13:0] store_chosen = 14'd0;
    reg [7:0] store_data_r = 8'd0;
    wire [10:0] read_row_0_next_1 = ({11{compute_gather_page_0}} & compute_gather_row[10:0]) |
        ({11{compute_operand_page_0}} & compute_operand_row[10:0]);
    wire [10:0] read_row_0_next_2 = ({11{vector_gather_page_0}} & vector_gather_row[10:0]) |
        ({11{vector_operand_page_0}} & vector_operand_row[10:0]);
    wire [10:0] read_row_0_next_3 = (read_row_0_next_1 | read_row_0_next_2) | ({11{store_page_0}} & store_row[10:0]);
    wire [10:0] write_row_0_next_1 = ({11{compute_output_page_0}} & compute_output_row[10:0]) |
        ({11{vector_output_page_0}} & vector_output_row[10:0]);
    wire [7:0] write_data_0_next_1 = ({8{compute_output_page_0}} & compute_output_data) | ({8{vector_output_page_0}} &
        vector_output_data);
    wire [10:0] read_row_1_next_1 = ({11{compute_gather_page_1}} & compute_gather_row[10:0]) |
        ({11{compute_operand_page_1}} & compute_operand_row[10:0]);
    wire [10:0] read_row_1_next_2 = ({11{vector_gather_page_1}} & vector_gather_row[10:0]) |
        ({11{vector_operand_page_1}} & vector_operand_row[10:0]);
    wire [10:0] read_row_1_next_3 = (read_row_1_next_1 | read_row_1_next_2) | ({11{store_page_1}} & store_row[10:0]);
    wire [10:0] write_row_1_next_1 = ({11{compute_output_page_1}} & compute_output_row[10:0]) |
        ({11{vector_output_page_1}} & vector_output_row[10:0]);
    wire [7:0] write_data_1_next_1 = ({8{compute_output_page_1}} & compute_output_data) | ({8{vector_output_page_1}} &
        vector_output_data);
    wire [10:0] read_row_2_next_1 = ({11{compute_gather_page_2}} & compute_gather_row[10:0]) |
        ({11{compute_operand_page_2}} & compute_operand_row[10:0]);
    wire [10:0] read_row_2_next_2 = ({11{vector_gather_page_2}} & vector_gather_row[10:0]) |
        ({11{vector_operand_page_2}} & vector_operand_row[10:0]);
    wire [10:0] read_row_2_next_3 = (read_row_2_next_1 | read_row_2_next_2) | ({11{store_page_2}} & store_row[10:0]);
    wire [10:0] write_row_2_next_1 = ({11{compute_output_page_2}} & compute_output_row[10:0]) |
        ({11{vector_output_page_2}} & vector_output_row[10:0]);
    wire [7:0] write_data_2_next_1 = ({8{compute_output_page_2}} & compute_output_data) | ({8{vector_output_page_2}} &
        vector_output_data);
    wire [10:0] read_row_3_next_1 = ({11{compute_gather_page_3}} & compute_gather_row[10:0]) |
        ({11{compute_operand_page_3}} & compute_operand_row[10:0]);
    wire [10:0] read_row_3_next_2 = ({11{vector_gather_page_3}} & vector_gather_row[10:0]) |
        ({11{vector_operand_page_3}} & vector_operand_row[10:0]);
    wire [10:0] read_row_3_next_3 = (read_row_3_next_1 | read_row_3_next_2) | ({11{store_page_3}} & store_row[10:0]);
    wire [10:0] write_row_3_next_1 = ({11{compute_output_page_3}} & compute_output_row[10:0]) |
        ({11{vector_output_page_3}} & vector_output_row[10:0]);
    wire [7:0] write_data_3_next_1 = ({8{compute_output_page_3}} & compute_output_data) | ({8{vector_output_page_3}} &
        vector_output_data);
    wire [10:0] read_row_4_next_1 = ({11{compute_gather_page_4}} & compute_gather_row[10:0]) |
        ({11{compute_operand_page_4}} & compute_operand_row[10:0]);
    wire [10:0] read_row_4_next_2 = ({11{vector_gather_page_4}} & vector_gather_row[10:0]) |
        ({11{vector_operand_page_4}} & vector_operand_row[10:0]);
    wire [10:0] read_row_4_next_3 = (read_row_4_next_1 | read_row_4_next_2) | ({11{store_page_4}} & store_row[10:0]);
    wire [10:0] write_row_4_next_1 = ({11{compute_output_page_4}} & compute_output_row[10:0]) |
        ({11{vector_output_page_4}} & vector_output_row[10:0]);
    wire [7:0] write_data_4_next_1 = ({8{compute_output_page_4}} & compute_output_data) | ({8{vector_output_page_4}} &
        vector_output_data);
    wire [10:0] read_row_5_next_1 = ({11{compute_gather_page_5}} & compute_gather_row[10:0]) |
        ({11{compute_operand_page_5}} & compute_operand_row[10:0]);
    wire [10:0] read_row_5_next_2 = ({11{vector_gather_page_5}} & vector_gather_row[10:0]) |
        ({11{vector_operand_page_5}} & vector_operand_row[10:0]);
    wire [10:0] read_row_5_next_3 = (read_row_5_next_1 | read_row_5_next_2) | ({11{store_page_5}} & store_row[10:0]);
    wire [10:0] write_row_5_next_1 = ({11{compute_output_page_5}} & compute_output_row[10:0]) |
        ({11{vector_output_page_5}} & vector_output_row[10:0]);
    wire [7:0] write_data_5_next_1 = ({8{compute_output_page_5}} & compute_output_data) | ({8{vector_output_page_5}} &
        vector_output_data);
    wire [10:0] read_row_6_next_1 = ({11{compute_gather_page_6}} & compute_gather_row[10:0]) |
        ({11{compute_operand_page_6}} & compute_operand_row[10:0]);
    wire [10:0] read_row_6_next_2 = ({11{vector_gather_page_6}} & vector_gather_row[10:0]) |
        ({11{vector_operand_page_6}} & vector_operand_row[10:0]);
    wire [10:0] read_row_6_next_3 = (read_row_6_next_1 | read_row_6_next_2) | ({11{store_page_6}} & store_row[10:0]);
    wire [10:0] write_row_6_next_1 = ({11{compute_output_page_6}} & compute_output_row[10:0]) |
        ({11{vector_output_page_6}} & vector_output_row[10:0]);
    wire [7:0] write_data_6_next_1 = ({8{compute_output_page_6}} & compute_output_data) | ({8{vector_output_page_6}} &
        vector_output_data);
    wire [10:0] read_row_7_next_1 = ({11{compute_gather_page_7}} & compute_gather_row[10:0]) |
        ({11{compute_operand_page_7}} & compute_operand_row[10:0]);
    wire [10:0] read_row_7_next_2 = ({11{vector_gather_page_7}} & vector_gather_row[10:0]) |
        ({11{vector_operand_page_7}} & vector_operand_row[10:0]);
    wire [10:0] read_row_7_next_3 = (read_row_7_next_1 | read_row_7_next_2) | ({11{store_page_7}} & store_row[10:0]);
    wire [10:0] write_row_7_next_1 = ({11{compute_output_page_7}} & compute_output_row[10:0]) |
        ({11{vector_output_page_7}} & vector_output_row[10:0]);
    wire [7:0] write_data_7_next_1 = ({8{compute_output_page_7}} & compute_output_data) | ({8{vector_output_page_7}} &
        vector_output_data);
    wire [10:0] read_row_8_next_1 = ({11{compute_gather_page_8}} & compute_gather_row[10:0]) |
        ({11{compute_operand_page_8}} & compute_operand_row[10:0]);
    wire [10:0] read_row_8_next_2 = ({11{vector_gather_page_8}} & vector_gather_row[10:0]) |
        ({11{vector_operand_page_8}} & vector_operand_row[10:0]);
    wire [10:0] read_row_8_next_3 = (read_row_8_next_1 | read_row_8_next_2) | ({11{store_page_8}} & store_row[10:0]);
    wire [10:0] write_row_8_next_1 = ({11{compute_output_page_8}} & compute_output_row[10:0]) |
        ({11{vector_output_page_8}} & vector_output_row[10:0]);
    wire [7:0] write_data_8_next_1 = ({8{compute_output_page_8}} & compute_output_data) | ({8{vector_output_page_8}} &
        vector_output_data);
    wire [10:0] read_row_9_next_1 = ({11{compute_gather_page_9}} & compute_gather_row[10:0]) |
        ({11{compute_operand_page_9}} & compute_operand_row[10:0]);
    wire [10:0] read_row_9_next_2 = ({11{vector_gather_page_9}} & vector_gather_row[10:0]) |
        ({11{vector_operand_page_9}} & vector_operand_row[10:0]);
    wire [10:0] read_row_9_next_3 = (read_row_9_next_1 | read_row_9_next_2) | ({11{store_page_9}} & store_row[10:0]);
    wire [10:0] write_row_9_next_1 = ({11{compute_output_page_9}} & compute_output_row[10:0]) |
        ({11{vector_output_page_9}} & vector_output_row[10:0]);
    wire [7:0] write_data_9_next_1 = ({8{compute_output_page_9}} & compute_output_data) | ({8{vector_output_page_9}} &
        vector_output_data);
    wire [10:0] read_row_10_next_1 = ({11{compute_gather_page_10}} & compute_gather_row[10:0]) |
        ({11{compute_operand_page_10}} & compute_operand_row[10:0]);
    wire [10:0] read_row_10_next_2 = ({11{vector_gather_page_10}} & vector_gather_row[10:0]) |
        ({11{vector_operand_page_10}} & vector_operand_row[10:0]);
    wire [10:0] read_row_10_next_3 = (read_row_10_next_1 | read_row_10_next_2) | ({11{store_page_10}} &
        store_row[10:0]);
    wire [10:0] write_row_10_next_1 = ({11{compute_output_page_10}} & compute_output_row[10:0]) |
        ({11{vector_output_page_10}} & vector_output_row[10:0]);
    wire [7:0] write_data_10_next_1 = ({8{compute_output_page_10}} & compute_output_data) |
        ({8{vector_output_page_10}} & vector_output_data);
    wire [2:0] write_enable_10_next_1 = {compute_output_page_10, vector_output_page_10, load_page_10};
    wire [10:0] read_row_11_next_1 = ({11{compute_gather_page_11}} & compute_gather_row[10:0]) |
        ({11{compute_operand_page_11}} & compute_operand_row[10:0]);
    wire [10:0] read_row_11_next_2 = ({11{vector_gather_page_11}} & vector_gather_row[10:0]) |
        ({11{vector_operand_page_11}} & vector_operand_row[10:0]);
    wire [10:0] read_row_11_next_3 = (read_row_11_next_1 | read_row_11_next_2) | ({11{store_page_11}} &
        store_row[10:0]);
    wire [10:0] write_row_11_next_1 = ({11{compute_output_page_11}} & compute_output_row[10:0]) |
        ({11{vector_output_page_11}} & vector_output_row[10:0]);
    wire [7:0] write_data_11_next_1 = ({8{compute_output_page_11}} & compute_output_data) |
        ({8{vector_output_page_11}} & vector_output_data);
    wire [2:0] write_enable_11_next_1 = {compute_output_page_11, vector_output_page_11, load_page_11};
    wire [10:0] read_row_12_next_1 = ({11{compute_gather_page_12}} & compute_gather_row[10:0]) |
        ({11{compute_operand_page_12}} & compute_operand_row[10:0]);
    wire [10:0] read_row_12_next_2 = ({11{vector_gather_page_12}} & vector_gather_row[10:0]) |
        ({11{vector_operand_page_12}} & vector_operand_row[10:0]);
    wire [10:0] read_row_12_next_3 = (read_row_12_next_1 | read_row_12_next_2) | ({11{store_page_12}} &
        store_row[10:0]);
    wire [10:0] write_row_12_next_1 = ({11{compute_output_page_12}} & compute_output_row[10:0]) |
        ({11{vector_output_page_12}} & vector_output_row[10:0]);
    wire [7:0] write_data_12_next_1 = ({8{compute_output_page_12}} & compute_output_data) |
        ({8{vector_output_page_12}} & vector_output_data);
    wire [2:0] write_enable_12_next_1 = {compute_output_page_12, vector_output_page_12, load_page_12};
    wire [10:0] read_row_13_next_1 = ({11{compute_gather_page_13}} & compute_gather_row[10:0]) |
        ({11{compute_operand_page_13}} & compute_operand_row[10:0]);
    wire [10:0] read_row_13_next_2 = ({11{vector_gather_page_13}} & vector_gather_row[10:0]) |
        ({11{vector_operand_page_13}} & vector_operand_row[10:0]);
    wire [10:0] read_row_13_next_3 = (read_row_13_next_1 | read_row_13_next_2) | ({11{store_page_13}} &
        store_row[10:0]);
    wire [10:0] write_row_13_next_1 = ({11{compute_output_page_13}} & compute_output_row[10:0]) |
        ({11{vector_output_page_13}} & vector_output_row[10:0]);
    wire [7:0] write_data_13_next_1 = ({8{compute_output_page_13}} & compute_output_data) |
        ({8{vector_output_page_13}} & vector_output_data);
    wire [2:0] write_enable_13_next_1 = {compute_output_page_13, vector_output_page_13, load_page_13};
    wire compute_gather_chosen_next_1 = compute_gather_page_late_2[4] & (compute_gather_page_late_2[3:0] == 4'd13);
    wire compute_gather_chosen_next_2 = compute_gather_page_late_2[4] & (compute_gather_page_late_2[3:0] == 4'd12);
    wire compute_gather_chosen_next_3 = compute_gather_page_late_2[4] & (compute_gather_page_late_2[3:0] == 4'd11);
    wire compute_gather_chosen_next_4 = compute_gather_page_late_2[4] & (compute_gather_page_late_2[3:0] == 4'd10);
    wire compute_gather_chosen_next_5 = compute_gather_page_late_2[4] & (compute_gather_page_late_2[3:0] == 4'd9);
    wire compute_gather_chosen_next_6 = compute_gather_page_late_2[4] & (compute_gather_page_late_2[3:0] == 4'd8);
    wire compute_gather_chosen_next_7 = compute_gather_page_late_2[4] & (compute_gather_page_late_2[3:0] == 4'd7);
    wire compute_gather_chosen_next_8 = compute_gather_page_late_2[4] & (compute_gather_page_late_2[3:0] == 4'd6);
    wire compute_gather_chosen_next_9 = compute_gather_page_late_2[4] & (compute_gather_page_late_2[3:0] == 4'd5);
    wire compute_gather_chosen_next_10 = compute_gather_page_late_2[4] & (compute_gather_page_late_2[3:0] == 4'd4);
    wire compute_gather_chosen_next_11 = compute_gather_page_late_2[4] & (compute_gather_page_late_2[3:0] == 4'd3);
    wire compute_gather_chosen_next_12 = compute_gather_page_late_2[4] & (compute_gather_page_late_2[3:0] == 4'd2);
    wire compute_gather_chosen_next_13 = compute_gather_page_late_2[4] & (compute_gather_page_late_2[3:0] == 4'd1);
    wire compute_gather_chosen_next_14 = compute_gather_page_late_2[4] & (compute_gather_page_late_2[3:0] == 4'd0);
    wire [13:0] compute_gather_chosen_next_15 = {compute_gather_chosen_next_1, compute_gather_chosen_next_2,
        compute_gather_chosen_next_3, compute_gather_chosen_next_4, compute_gather_chosen_next_5,
        compute_gather_chosen_next_6, compute_gather_chosen_next_7, compute_gather_chosen_next_8,
        compute_gather_chosen_next_9, compute_gather_chosen_next_10, compute_gather_chosen_next_11,
        compute_gather_chosen_next_12, compute_gather_chosen_next_13, compute_gather_chosen_next_14};
    wire [7:0] compute_gather_data_r_next_1 = ({8{compute_gather_chosen[0]}} & page_0_read_data) |
        ({8{compute_gather_chosen[1]}} & page_1_read_data);
    wire [7:0] compute_gather_data_r_next_2 = ({8{compute_gather_chosen[2]}} & page_2_read_data) |
        ({8{compute_gather_chosen[3]}} & page_3_read_data);
    wire [7:0] compute_gather_data_r_next_3 = ({8{compute_gather_chosen[4]}} & page_4_read_data) |
        ({8{compute_gather_chosen[5]}} & page_5_read_data);
    wire [7:0] compute_gather_data_r_next_4 = ({8{compute_gather_chosen[6]}} & page_6_read_data) |
        ({8{compute_gather_chosen[7]}} & page_7_read_data);
    wire [7:0] compute_gather_data_r_next_5 = (compute_gather_data_r_next_1 | compute_gather_data_r_next_2) |
        (compute_gather_data_r_next_3 | compute_gather_data_r_next_4);
    wire [7:0] compute_gather_data_r_next_6 = ({8{compute_gather_chosen[8]}} & page_8_read_data) |
        ({8{compute_gather_chosen[9]}} & page_9_read_data);
    wire [7:0] compute_gather_data_r_next_7 = ({8{compute_gather_chosen[10]}} & page_10_read_data) |
        ({8{compute_gather_chosen[11]}} & page_11_read_data);
    wire [7:0] compute_gather_data_r_next_8 = ({8{compute_gather_chosen[12]}} & page_12_read_data) |
        ({8{compute_gather_chosen[13]}} & page_13_read_data);
    wire [7:0] compute_gather_data_r_next_9 = (compute_gather_data_r_next_6 | compute_gather_data_r_next_7) |
        compute_gather_data_r_next_8;
    wire compute_operand_chosen_next_1 = compute_operand_page_late_2[4] & (compute_operand_page_late_2[3:0] == 4'd13);
    wire compute_operand_chosen_next_2 = compute_operand_page_late_2[4] & (compute_operand_page_late_2[3:0] == 4'd12);
    wire compute_operand_chosen_next_3 = compute_operand_page_late_2[4] & (compute_operand_page_late_2[3:0] == 4'd11);
    wire compute_operand_chosen_next_4 = compute_operand_page_late_2[4] & (compute_operand_page_late_2[3:0] == 4'd10);
    wire compute_operand_chosen_next_5 = compute_operand_page_late_2[4] & (compute_operand_page_late_2[3:0] == 4'd9);
    wire compute_operand_chosen_next_6 = compute_operand_page_late_2[4] & (compute_operand_page_late_2[3:0] == 4'd8);
    wire compute_operand_chosen_next_7 = compute_operand_page_late_2[4] & (compute_operand_page_late_2[3:0] == 4'd7);
    wire compute_operand_chosen_next_8 = compute_operand_page_late_2[4] & (compute_operand_page_late_2[3:0] == 4'd6);
    wire compute_operand_chosen_next_9 = compute_operand_page_late_2[4] & (compute_operand_page_late_2[3:0] == 4'd5);
    wire compute_operand_chosen_next_10 = compute_operand_page_late_2[4] & (compute_operand_page_late_2[3:0] == 4'd4);
    wire compute_operand_chosen_next_11 = compute_operand_page_late_2[4] & (compute_operand_page_late_2[3:0] == 4'd3);
    wire compute_operand_chosen_next_12 = compute_operand_page_late_2[4] & (compute_operand_page_late_2[3:0] == 4'd2);
    wire compute_operand_chosen_next_13 = compute_operand_page_late_2[4] & (compute_operand_page_late_2[3:0] == 4'd1);
    wire compute_operand_chosen_next_14 = compute_operand_page_late_2[4] & (compute_operand_page_late_2[3:0] == 4'd0);
    wire [13:0] compute_operand_chosen_next_15 = {compute_operand_chosen_next_1, compute_operand_chosen_next_2,
        compute_operand_chosen_next_3, compute_operand_chosen_next_4, compute_operand_chosen_next_5,
        compute_operand_chosen_next_6, compute_operand_chosen_next_7, compute_operand_chosen_next_8,
        compute_operand_chosen_next_9, compute_operand_chosen_next_10, compute_operand_chosen_next_11,
        compute_operand_chosen_next_12, compute_operand_chosen_next_13, compute_operand_chosen_next_14};
    wire [7:0] compute_operand_data_r_next_1 = ({8{compute_operand_chosen[0]}} & page_0_read_data) |
        ({8{compute_operand_chosen[1]}} & page_1_read_data);
    wire [7:0] compute_operand_data_r_next_2 = ({8{compute_operand_chosen[2]}} & page_2_read_data) |
        ({8{compute_operand_chosen[3]}} & page_3_read_data);
    wire [7:0] compute_operand_data_r_next_3 = compute_operand_data_r_next_1 | compute_operand_data_r_next_2;
    wire [7:0] compute_operand_data_r_next_4 = ({8{compute_operand_chosen[4]}} & page_4_read_data) |
        ({8{compute_operand_chosen[5]}} & page_5_read_data);
    wire [7:0] compute_operand_data_r_next_5 = ({8{compute_operand_chosen[6]}} & page_6_read_data) |
        ({8{compute_operand_chosen[7]}} & page_7_read_data);
    wire [7:0] compute_operand_data_r_next_6 = compute_operand_data_r_next_4 | compute_operand_data_r_next_5;
    wire [7:0] compute_operand_data_r_next_7 = compute_operand_data_r_next_3 | compute_operand_data_r_next_6;
    wire [7:0] compute_operand_data_r_next_8 = ({8{compute_operand_chosen[8]}} & page_8_read_data) |
        ({8{compute_operand_chosen[9]}} & page_9_read_data);
    wire [7:0] compute_operand_data_r_next_9 = ({8{compute_operand_chosen[10]}} & page_10_read_data) |
        ({8{compute_operand_chosen[11]}} & page_11_read_data);
    wire [7:0] compute_operand_data_r_next_10 = compute_operand_data_r_next_8 | compute_operand_data_r_next_9;
    wire [7:0] compute_operand_data_r_next_11 = ({8{compute_operand_chosen[12]}} & page_12_read_data) |
        ({8{compute_operand_chosen[13]}} & page_13_read_data);
    wire [7:0] compute_operand_data_r_next_12 = compute_operand_data_r_next_10 | compute_operand_data_r_next_11;
    wire [7:0] compute_operand_data_r_next_13 = compute_operand_data_r_next_7 | compute_operand_data_r_next_12;
    wire vector_gather_chosen_next_1 = vector_gather_page_late_2[4] & (vector_gather_page_late_2[3:0] == 4'd13);
    wire vector_gather_chosen_next_2 = vector_gather_page_late_2[4] & (vector_gather_page_late_2[3:0] == 4'd12);
    wire vector_gather_chosen_next_3 = vector_gather_page_late_2[4] & (vector_gather_page_late_2[3:0] == 4'd11);
    wire vector_gather_chosen_next_4 = vector_gather_page_late_2[4] & (vector_gather_page_late_2[3:0] == 4'd10);
    wire vector_gather_chosen_next_5 = vector_gather_page_late_2[4] & (vector_gather_page_late_2[3:0] == 4'd9);
    wire vector_gather_chosen_next_6 = vector_gather_page_late_2[4] & (vector_gather_page_late_2[3:0] == 4'd8);
    wire vector_gather_chosen_next_7 = vector_gather_page_late_2[4] & (vector_gather_page_late_2[3:0] == 4'd7);
    wire vector_gather_chosen_next_8 = vector_gather_page_late_2[4] & (vector_gather_page_late_2[3:0] == 4'd6);
    wire vector_gather_chosen_next_9 = vector_gather_page_late_2[4] & (vector_gather_page_late_2[3:0] == 4'd5);
    wire vector_gather_chosen_next_10 = vector_gather_page_late_2[4] & (vector_gather_page_late_2[3:0] == 4'd4);
    wire vector_gather_chosen_next_11 = vector_gather_page_late_2[4] & (vector_gather_page_late_2[3:0] == 4'd3);
    wire vector_gather_chosen_next_12 = vector_gather_page_late_2[4] & (vector_gather_page_late_2[3:0] == 4'd2);
    wire vector_gather_chosen_next_13 = vector_gather_page_late_2[4] & (vector_gather_page_late_2[3:0] == 4'd1);
    wire vector_gather_chosen_next_14 = vector_gather_page_late_2[4] & (vector_gather_page_late_2[3:0] == 4'd0);
    wire [13:0] vector_gather_chosen_next_15 = {vector_gather_chosen_next_1, vector_gather_chosen_next_2,
        vector_gather_chosen_next_3, vector_gather_chosen_next_4, vector_gather_chosen_next_5,
        vector_gather_chosen_next_6, vector_gather_chosen_next_7, vector_gather_chosen_next_8,
        vector_gather_chosen_next_9, vector_gather_chosen_next_10, vector_gather_chosen_next_11,
        vector_gather_chosen_next_12, vector_gather_chosen_next_13, vector_gather_chosen_next_14};
    wire [7:0] vector_gather_data_r_next_1 = ({8{vector_gather_chosen[0]}} & page_0_read_data) |
        ({8{vector_gather_chosen[1]}} & page_1_read_data);
    wire [7:0] vector_gather_data_r_next_2 = ({8{vector_gather_chosen[2]}} & page_2_read_data) |
        ({8{vector_gather_chosen[3]}} & page_3_read_data);
    wire [7:0] vector_gather_data_r_next_3 = ({8{vector_gather_chosen[4]}} & page_4_read_data) |
        ({8{vector_gather_chosen[5]}} & page_5_read_data);
    wire [7:0] vector_gather_data_r_next_4 = ({8{vector_gather_chosen[6]}} & page_6_read_data) |
        ({8{vector_gather_chosen[7]}} & page_7_read_data);
    wire [7:0] vector_gather_data_r_next_5 = (vector_gather_data_r_next_1 | vector_gather_data_r_next_2) |
        (vector_gather_data_r_next_3 | vector_gather_data_r_next_4);
    wire [7:0] vector_gather_data_r_next_6 = ({8{vector_gather_chosen[8]}} & page_8_read_data) |
        ({8{vector_gather_chosen[9]}} & page_9_read_data);
    wire [7:0] vector_gather_data_r_next_7 = ({8{vector_gather_chosen[10]}} & page_10_read_data) |
        ({8{vector_gather_chosen[11]}} & page_11_read_data);
    wire [7:0] vector_gather_data_r_next_8 = ({8{vector_gather_chosen[12]}} & page_12_read_data) |
        ({8{vector_gather_chosen[13]}} & page_13_read_data);
    wire [7:0] vector_gather_data_r_next_9 = (vector_gather_data_r_next_6 | vector_gather_data_r_next_7) |
        vector_gather_data_r_next_8;
    wire vector_operand_chosen_next_1 = vector_operand_page_late_2[4] & (vector_operand_page_late_2[3:0] == 4'd13);
    wire vector_operand_chosen_next_2 = vector_operand_page_late_2[4] & (vector_operand_page_late_2[3:0] == 4'd12);
    wire vector_operand_chosen_next_3 = vector_operand_page_late_2[4] & (vector_operand_page_late_2[3:0] == 4'd11);
    wire vector_operand_chosen_next_4 = vector_operand_page_late_2[4] & (vector_operand_page_late_2[3:0] == 4'd10);
    wire vector_operand_chosen_next_5 = vector_operand_page_late_2[4] & (vector_operand_page_late_2[3:0] == 4'd9);
    wire vector_operand_chosen_next_6 = vector_operand_page_late_2[4] & (vector_operand_page_late_2[3:0] == 4'd8);
    wire vector_operand_chosen_next_7 = vector_operand_page_late_2[4] & (vector_operand_page_late_2[3:0] == 4'd7);
    wire vector_operand_chosen_next_8 = vector_operand_page_late_2[4] & (vector_operand_page_late_2[3:0] == 4'd6);
    wire vector_operand_chosen_next_9 = vector_operand_page_late_2[4] & (vector_operand_page_late_2[3:0] == 4'd5);
    wire vector_operand_chosen_next_10 = vector_operand_page_late_2[4] & (vector_operand_page_late_2[3:0] == 4'd4);
    wire vector_operand_chosen_next_11 = vector_operand_page_late_2[4] & (vector_operand_page_late_2[3:0] == 4'd3);
    wire vector_operand_chosen_next_12 = vector_operand_page_late_2[4] & (vector_operand_page_late_2[3:0] == 4'd2);
    wire vector_operand_chosen_next_13 = vector_operand_page_late_2[4] & (vector_operand_page_late_2[3:0] == 4'd1);
    wire vector_operand_chosen_next_14 = vector_operand_page_late_2[4] & (vector_operand_page_late_2[3:0] == 4'd0);
    wire [13:0] vector_operand_chosen_next_15 = {vector_operand_chosen_next_1, vector_operand_chosen_next_2,
        vector_operand_chosen_next_3, vector_operand_chosen_next_4, vector_operand_chosen_next_5,
        vector_operand_chosen_next_6, vector_operand_chosen_next_7, vector_operand_chosen_next_8,
        vector_operand_chosen_next_9, vector_operand_chosen_next_10, vector_operand_chosen_next_11,
        vector_operand_chosen_next_12, vector_operand_chosen_next_13, vector_operand_chosen_next_14};
    wire [7:0] vector_operand_data_r_next_1 = ({8{vector_operand_chosen[0]}} & page_0_read_data) |
        ({8{vector_operand_chosen[1]}} & page_1_read_data);
    wire [7:0] vector_operand_data_r_next_2 = ({8{vector_operand_chosen[2]}} & page_2_read_data) |
        ({8{vector_operand_chosen[3]}} & page_3_read_data);
    wire [7:0] vector_operand_data_r_next_3 = ({8{vector_operand_chosen[4]}} & page_4_read_data) |
        ({8{vector_operand_chosen[5]}} & page_5_read_data);
    wire [7:0] vector_operand_data_r_next_4 = ({8{vector_operand_chosen[6]}} & page_6_read_data) |
        ({8{vector_operand_chosen[7]}} & page_7_read_data);
    wire [7:0] vector_operand_data_r_next_5 = (vector_operand_data_r_next_1 | vector_operand_data_r_next_2) |
        (vector_operand_data_r_next_3 | vector_operand_data_r_next_4);
    wire [7:0] vector_operand_data_r_next_6 = ({8{vector_operand_chosen[8]}} & page_8_read_data) |
        ({8{vector_operand_chosen[9]}} & page_9_read_data);
    wire [7:0] vector_operand_data_r_next_7 = ({8{vector_operand_chosen[10]}} & page_10_read_data) |
        ({8{vector_operand_chosen[11]}} & page_11_read_data);
    wire [7:0] vector_operand_data_r_next_8 = ({8{vector_operand_chosen[12]}} & page_12_read_data) |
        ({8{vector_operand_chosen[13]}} & page_13_read_data);
    wire [7:0] vector_operand_data_r_next_9 = (vector_operand_data_r_next_6 | vector_operand_data_r_next_7) |
        vector_operand_data_r_next_8;
    wire [13:0] store_chosen_next_1 = {(store_page_late_2[4] & (store_page_late_2[3:0] == 4'd13)),
        (store_page_late_2[4] & (store_page_late_2[3:0] == 4'd12)), (store_page_late_2[4] & (store_page_late_2[3:0] ==
        4'd11)), (store_page_late_2[4] & (store_page_late_2[3:0] == 4'd10)), (store_page_late_2[4] &
        (store_page_late_2[3:0] == 4'd9)), (store_page_late_2[4] & (store_page_late_2[3:0] == 4'd8)),
        (store_page_late_2[4] & (store_page_late_2[3:0] == 4'd7)), (store_page_late_2[4] & (store_page_late_2[3:0] ==
        4'd6)), (store_page_late_2[4] & (store_page_late_2[3:0] == 4'd5)), (store_page_late_2[4] &
        (store_page_late_2[3:0] == 4'd4)), (store_page_late_2[4] & (store_page_late_2[3:0] == 4'd3)),
        (store_page_late_2[4] & (store_page_late_2[3:0] == 4'd2)), (store_page_late_2[4] & (store_page_late_2[3:0] ==
        4'd1)), (store_page_late_2[4] & (store_page_late_2[3:0] == 4'd0))};
    wire [7:0] store_data_r_next_1 = ({8{store_chosen[0]}} & page_0_read_data) | ({8{store_chosen[1]}} &
        page_1_read_data);
    wire [7:0] store_data_r_next_2 = ({8{store_chosen[2]}} & page_2_read_data) | ({8{store_chosen[3]}} &
        page_3_read_data);
    wire [7:0] store_data_r_next_3 = ({8{store_chosen[4]}} & page_4_read_data) | ({8{store_chosen[5]}} &
        page_5_read_data);
    wire [7:0] store_data_r_next_4 = ({8{store_chosen[6]}} & page_6_read_data) | ({8{store_chosen[7]}} &
        page_7_read_data);
    wire [7:0] store_data_r_next_5 = (store_data_r_next_1 | store_data_r_next_2) | (store_data_r_next_3 |
        store_data_r_next_4);
    wire [7:0] store_data_r_next_6 = ({8{store_chosen[8]}} & page_8_read_data) | ({8{store_chosen[9]}} &
        page_9_read_data);
    wire [7:0] store_data_r_next_7 = ({8{store_chosen[10]}} & page_10_read_data) | ({8{store_chosen[11]}} &
        page_11_read_data);
    wire [7:0] store_data_r_next_8 = ({8{store_chosen[12]}} & page_12_read_data) | ({8{store_chosen[13]}} &
        page_13_read_data);
    wire [7:0] store_data_r_next_9 = (store_data_r_next_6 | store_data_r_next_7) | store_data_r_next_8;
    assign compute_gather_data = compute_gather_data_r;
    assign compute_operand_data = compute_operand_data_r;
    assign vector_gather_data = vector_gather_data_r;
    assign vector_operand_data = vector_operand_data_r;
    assign store_data = store_data_r;
    ram_2048x8 page_0 (
        .clock(clock),
        .write_enable(write_enable_0),
        .write_address(write_row_0),
        .write_data(write_data_0),
        .read_address(read_row_0),
        .read_data(page_0_read_data)
    );
    ram_2048x8 page_1 (
        .clock(clock),
        .write_enable(write_enable_1),
        .write_address(write_row_1),
        .write_data(write_data_1),
        .read_address(read_row_1),
        .read_data(page_1_read_data)
    );
    ram_2048x8 page_2 (
        .clock(clock),
        .write_enable(write_enable_2),
        .write_address(write_row_2),
        .write_data(write_data_2),
        .read_address(read_row_2),
        .read_data(page_2_read_data)
    );
    ram_2048x8 page_3 (
        .clock(clock),
        .write_enable(write_enable_3),
        .write_address(write_row_3),
        .write_data(write_data_3),
        .read_address(read_row_3),
        .read_data(page_3_read_data)
    );
    ram_2048x8 page_4 (
        .clock(clock),
        .write_enable(write_enable_4),
        .write_address(write_row_4),
        .write_data(write_data_4),
        .read_address(read_row_4),
        .read_data(page_4_read_data)
    );
    ram_2048x8 page_5 (
        .clock(clock),
        .write_enable(write_enable_5),
        .write_address(write_row_5),
        .write_data(write_data_5),
        .read_address(read_row_5),
        .read_data(page_5_read_data)
    );
    ram_2048x8 page_6 (
        .clock(clock),
        .write_enable(write_enable_6),
        .write_address(write_row_6),
        .write_data(write_data_6),
        .read_address(read_row_6),
        .read_data(page_6_read_data)
    );
    ram_2048x8 page_7 (
        .clock(clock),
        .write_enable(write_enable_7),
        .write_address(write_row_7),
        .write_data(write_data_7),
        .read_address(read_row_7),
        .read_data(page_7_read_data)
    );
    ram_2048x8 page_8 (
        .clock(clock),
        .write_enable(write_enable_8),
        .write_address(write_row_8),
        .write_data(write_data_8),
        .read_address(read_row_8),
        .read_data(page_8_read_data)
    );
    ram_2048x8 page_9 (
        .clock(clock),
        .write_enable(write_enable_9),
        .write_address(write_row_9),
        .write_data(write_data_9),
        .read_address(read_row_9),
        .read_data(page_9_read_data)
    );
    ram_2048x8 page_10 (
        .clock(clock),
        .write_enable(write_enable_10),
        .write_address(write_row_10),
        .write_data(write_data_10),
        .read_address(read_row_10),
        .read_data(page_10_read_data)
    );
    ram_2048x8 page_11 (
        .clock(clock),
        .write_enable(write_enable_11),
        .write_address(write_row_11),
        .write_data(write_data_11),
        .read_address(read_row_11),
        .read_data(page_11_read_data)
    );
    ram_2048x8 page_12 (
        .clock(clock),
        .write_enable(write_enable_12),
        .write_address(write_row_12),
        .write_data(write_data_12),
        .read_address(read_row_12),
        .read_data(page_12_read_data)
    );
    ram_2048x8 page_13 (
        .clock(clock),
        .write_enable(write_enable_13),
        .write_address(write_row_13),
        .write_data(write_data_13),
        .read_address(read_row_13),
        .read_data(page_13_read_data)
    );
    always @(posedge clock) begin
        read_row_0 <= read_row_0_next_3;
        write_row_0 <= (write_row_0_next_1 | ({11{load_page_0}} & load_row[10:0]));
        write_data_0 <= (write_data_0_next_1 | ({8{load_page_0}} & load_data));
        write_enable_0 <= (|{compute_output_page_0, vector_output_page_0, load_page_0});
        read_row_1 <= read_row_1_next_3;
        write_row_1 <= (write_row_1_next_1 | ({11{load_page_1}} & load_row[10:0]));
        write_data_1 <= (write_data_1_next_1 | ({8{load_page_1}} & load_data));
        write_enable_1 <= (|{compute_output_page_1, vector_output_page_1, load_page_1});
        read_row_2 <= read_row_2_next_3;
        write_row_2 <= (write_row_2_next_1 | ({11{load_page_2}} & load_row[10:0]));
        write_data_2 <= (write_data_2_next_1 | ({8{load_page_2}} & load_data));
        write_enable_2 <= (|{compute_output_page_2, vector_output_page_2, load_page_2});
        read_row_3 <= read_row_3_next_3;
        write_row_3 <= (write_row_3_next_1 | ({11{load_page_3}} & load_row[10:0]));
        write_data_3 <= (write_data_3_next_1 | ({8{load_page_3}} & load_data));
        write_enable_3 <= (|{compute_output_page_3, vector_output_page_3, load_page_3});
        read_row_4 <= read_row_4_next_3;
        write_row_4 <= (write_row_4_next_1 | ({11{load_page_4}} & load_row[10:0]));
        write_data_4 <= (write_data_4_next_1 | ({8{load_page_4}} & load_data));
        write_enable_4 <= (|{compute_output_page_4, vector_output_page_4, load_page_4});
        read_row_5 <= read_row_5_next_3;
        write_row_5 <= (write_row_5_next_1 | ({11{load_page_5}} & load_row[10:0]));
        write_data_5 <= (write_data_5_next_1 | ({8{load_page_5}} & load_data));
        write_enable_5 <= (|{compute_output_page_5, vector_output_page_5, load_page_5});
        read_row_6 <= read_row_6_next_3;
        write_row_6 <= (write_row_6_next_1 | ({11{load_page_6}} & load_row[10:0]));
        write_data_6 <= (write_data_6_next_1 | ({8{load_page_6}} & load_data));
        write_enable_6 <= (|{compute_output_page_6, vector_output_page_6, load_page_6});
        read_row_7 <= read_row_7_next_3;
        write_row_7 <= (write_row_7_next_1 | ({11{load_page_7}} & load_row[10:0]));
        write_data_7 <= (write_data_7_next_1 | ({8{load_page_7}} & load_data));
        write_enable_7 <= (|{compute_output_page_7, vector_output_page_7, load_page_7});
        read_row_8 <= read_row_8_next_3;
        write_row_8 <= (write_row_8_next_1 | ({11{load_page_8}} & load_row[10:0]));
        write_data_8 <= (write_data_8_next_1 | ({8{load_page_8}} & load_data));
        write_enable_8 <= (|{compute_output_page_8, vector_output_page_8, load_page_8});
        read_row_9 <= read_row_9_next_3;
        write_row_9 <= (write_row_9_next_1 | ({11{load_page_9}} & load_row[10:0]));
        write_data_9 <= (write_data_9_next_1 | ({8{load_page_9}} & load_data));
        write_enable_9 <= (|{compute_output_page_9, vector_output_page_9, load_page_9});
        read_row_10 <= read_row_10_next_3;
        write_row_10 <= (write_row_10_next_1 | ({11{load_page_10}} & load_row[10:0]));
        write_data_10 <= (write_data_10_next_1 | ({8{load_page_10}} & load_data));
        write_enable_10 <= (|write_enable_10_next_1);
        read_row_11 <= read_row_11_next_3;
        write_row_11 <= (write_row_11_next_1 | ({11{load_page_11}} & load_row[10:0]));
        write_data_11 <= (write_data_11_next_1 | ({8{load_page_11}} & load_data));
        write_enable_11 <= (|write_enable_11_next_1);
        read_row_12 <= read_row_12_next_3;
        write_row_12 <= (write_row_12_next_1 | ({11{load_page_12}} & load_row[10:0]));
        write_data_12 <= (write_data_12_next_1 | ({8{load_page_12}} & load_data));
        write_enable_12 <= (|write_enable_12_next_1);
        read_row_13 <= read_row_13_next_3;
        write_row_13 <= (write_row_13_next_1 | ({11{load_page_13}} & load_row[10:0]));
        write_data_13 <= (write_data_13_next_1 | ({8{load_page_13}} & load_data));
        write_enable_13 <= (|write_enable_13_next_1);
        compute_gather_page_late_1 <= compute_gather_page;
        compute_gather_page_late_2 <= compute_gather_page_late_1;
        compute_gather_chosen <= compute_gather_chosen_next_15;
        compute_gather_data_r <= (compute_gather_data_r_next_5 | compute_gather_data_r_next_9);
        compute_operand_page_late_1 <= compute_operand_page;
        compute_operand_page_late_2 <= compute_operand_page_late_1;
        compute_operand_chosen <= compute_operand_chosen_next_15;
        compute_operand_data_r <= compute_operand_data_r_next_13;
        vector_gather_page_late_1 <= vector_gather_page;
        vector_gather_page_late_2 <= vector_gather_page_late_1;
        vector_gather_chosen <= vector_gather_chosen_next_15;
        vector_gather_data_r <= (vector_gather_data_r_next_5 | vector_gather_data_r_next_9);
        vector_operand_page_late_1 <= vector_operand_page;
        vector_operand_page_late_2 <= vector_operand_page_late_1;
        vector_operand_chosen <= vector_operand_chosen_next_15;
        vector_operand_data_r <= (vector_operand_data_r_next_5 | vector_operand_data_r_next_9);
        store_page_late_1 <= store_page;
        store_page_late_2 <= store_page_late_1;
        store_chosen <= store_chosen_next_1;
        store_data_r <= (store_data_r_next_5 | store_data_r_next_9);
    end
endmodule

// Feature memory: banks side by side, a byte of each for every requester.
module feature_memory(
    clock, compute_gather_row, compute_gather_enable, compute_operand_row, compute_operand_enable,
    vector_gather_row, vector_gather_enable, vector_operand_row, vector_operand_enable, store_row,
    store_enable, compute_output_row, compute_output_enable, vector_output_row,
    vector_output_enable, load_row, load_enable, compute_output_data, vector_output_data, load_data,
    compute_gather_data, compute_operand_data, vector_gather_data, vector_operand_data, store_data
);
    input wire clock;
    input wire [59:0] compute_gather_row;
    input wire [3:0] compute_gather_enable;
    input wire [59:0] compute_operand_row;
    input wire [3:0] compute_operand_enable;
    input wire [59:0] vector_gather_row;
    input wire [3:0] vector_gather_enable;
    input wire [59:0] vector_operand_row;
    input wire [3:0] vector_operand_enable;
    input wire [59:0] store_row;
    input wire [3:0] store_enable;
    input wire [59:0] compute_output_row;
    input wire [3:0] compute_output_enable;
    input wire [59:0] vector_output_row;
    input wire [3:0] vector_output_enable;
    input wire [59:0] load_row;
    input wire [3:0] load_enable;
    input wire [31:0] compute_output_data;
    input wire [31:0] vector_output_data;
    input wire [31:0] load_data;
    output wire [31:0] compute_gather_data;
    output wire [31:0] compute_operand_data;
    output wire [31:0] vector_gather_data;
    output wire [31:0] vector_operand_data;
    output wire [31:0] store_data;
    wire [7:0] bank_0_compute_gather_data;
    wire [7:0] bank_0_compute_operand_data;
    wire [7:0] bank_0_vector_gather_data;
    wire [7:0] bank_0_vector_operand_data;
    wire [7:0] bank_0_store_data;
    wire [7:0] bank_1_compute_gather_data;
    wire [7:0] bank_1_compute_operand_data;
    wire [7:0] bank_1_vector_gather_data;
    wire [7:0] bank_1_vector_operand_data;
    wire [7:0] bank_1_store_data;
    wire [7:0] bank_2_compute_gather_data;
    wire [7:0] bank_2_compute_operand_data;
    wire [7:0] bank_2_vector_gather_data;
    wire [7:0] bank_2_vector_operand_data;
    wire [7:0] bank_2_store_data;
    wire [7:0] bank_3_compute_gather_data;
    wire [7:0] bank_3_compute_operand_data;
    wire [7:0] bank_3_vector_gather_data;
    wire [7:0] bank_3_vector_operand_data;
    wire [7:0] bank_3_store_data;
    wire [31:0] compute_gather_data_1 = {bank_3_compute_gather_data, bank_2_compute_gather_data,
        bank_1_compute_gather_data, bank_0_compute_gather_data};
    wire [31:0] compute_operand_data_1 = {bank_3_compute_operand_data, bank_2_compute_operand_data,
        bank_1_compute_operand_data, bank_0_compute_operand_data};
    wire [31:0] vector_gather_data_1 = {bank_3_vector_gather_data, bank_2_vector_gather_data,
        bank_1_vector_gather_data, bank_0_vector_gather_data};
    wire [31:0] vector_operand_data_1 = {bank_3_vector_operand_data, bank_2_vector_operand_data,
        bank_1_vector_operand_data, bank_0_vector_operand_data};
    wire [31:0] store_data_1 = {bank_3_store_data, bank_2_store_data, bank_1_store_data, bank_0_store_data};
    assign compute_gather_data = compute_gather_data_1;
    assign compute_operand_data = compute_operand_data_1;
    assign vector_gather_data = vector_gather_data_1;
    assign vector_operand_data = vector_operand_data_1;
    assign store_data = store_data_1;
    // Bank 0: its element of every port.
    feature_bank bank_0 (
        .clock(clock),
        .compute_gather_row(compute_gather_row[14:0]),
        .compute_gather_enable(compute_gather_enable[0]),
        .compute_operand_row(compute_operand_row[14:0]),
        .compute_operand_enable(compute_operand_enable[0]),
        .vector_gather_row(vector_gather_row[14:0]),
        .vector_gather_enable(vector_gather_enable[0]),
        .vector_operand_row(vector_operand_row[14:0]),
        .vector_operand_enable(vector_operand_enable[0]),
        .store_row(store_row[14:0]),
        .store_enable(store_enable[0]),
        .compute_output_row(compute_output_row[14:0]),
        .compute_output_enable(compute_output_enable[0]),
        .vector_output_row(vector_output_row[14:0]),
        .vector_output_enable(vector_output_enable[0]),
        .load_row(load_row[14:0]),
        .load_enable(load_enable[0]),
        .compute_output_data(compute_output_data[7:0]),
        .vector_output_data(vector_output_data[7:0]),
        .load_data(load_data[7:0]),
        .compute_gather_data(bank_0_compute_gather_data),
        .compute_operand_data(bank_0_compute_operand_data),
        .vector_gather_data(bank_0_vector_gather_data),
        .vector_operand_data(bank_0_vector_operand_data),
        .store_data(bank_0_store_data)
    );
    // Bank 1: its element of every port.
    feature_bank bank_1 (
        .clock(clock),
        .compute_gather_row(compute_gather_row[29:15]),
        .compute_gather_enable(compute_gather_enable[1]),
        .compute_operand_row(compute_operand_row[29:15]),
        .compute_operand_enable(compute_operand_enable[1]),
        .vector_gather_row(vector_gather_row[29:15]),
        .vector_gather_enable(vector_gather_enable[1]),
        .vector_operand_row(vector_operand_row[29:15]),
        .vector_operand_enable(vector_operand_enable[1]),
        .store_row(store_row[29:15]),
        .store_enable(store_enable[1]),
        .compute_output_row(compute_output_row[29:15]),
        .compute_output_enable(compute_output_enable[1]),
        .vector_output_row(vector_output_row[29:15]),
        .vector_output_enable(vector_output_enable[1]),
        .load_row(load_row[29:15]),
        .load_enable(load_enable[1]),
        .compute_output_data(compute_output_data[15:8]),
        .vector_output_data(vector_output_data[15:8]),
        .load_data(load_data[15:8]),
        .compute_gather_data(bank_1_compute_gather_data),
        .compute_operand_data(bank_1_compute_operand_data),
        .vector_gather_data(bank_1_vector_gather_data),
        .vector_operand_data(bank_1_vector_operand_data),
        .store_data(bank_1_store_data)
    );
    // Bank 2: its element of every port.
    feature_bank bank_2 (
        .clock(clock),
        .compute_gather_row(compute_gather_row[44:30]),
        .compute_gather_enable(compute_gather_enable[2]),
        .compute_operand_row(compute_operand_row[44:30]),
        .compute_operand_enable(compute_operand_enable[2]),
        .vector_gather_row(vector_gather_row[44:30]),
        .vector_gather_enable(vector_gather_enable[2]),
        .vector_operand_row(vector_operand_row[44:30]),
        .vector_operand_enable(vector_operand_enable[2]),
        .store_row(store_row[44:30]),
        .store_enable(store_enable[2]),
        .compute_output_row(compute_output_row[44:30]),
        .compute_output_enable(compute_output_enable[2]),
        .vector_output_row(vector_output_row[44:30]),
        .vector_output_enable(vector_output_enable[2]),
        .load_row(load_row[44:30]),
        .load_enable(load_enable[2]),
        .compute_output_data(compute_output_data[23:16]),
        .vector_output_data(vector_output_data[23:16]),
        .load_data(load_data[23:16]),
        .compute_gather_data(bank_2_compute_gather_data),
        .compute_operand_data(bank_2_compute_operand_data),
        .vector_gather_data(bank_2_vector_gather_data),
        .vector_operand_data(bank_2_vector_operand_data),
        .store_data(bank_2_store_data)
    );
    // Bank 3: its element of every port.
    feature_bank bank_3 (
        .clock(clock),
        .compute_gather_row(compute_gather_row[59:45]),
        .compute_gather_enable(compute_gather_enable[3]),
        .compute_operand_row(compute_operand_row[59:45]),
        .compute_operand_enable(compute_operand_enable[3]),
        .vector_gather_row(vector_gather_row[59:45]),
        .vector_gather_enable(vector_gather_enable[3]),
        .vector_operand_row(vector_operand_row[59:45]),
        .vector_operand_enable(vector_operand_enable[3]),
        .store_row(store_row[59:45]),
        .store_enable(store_enable[3]),
        .compute_output_row(compute_output_row[59:45]),
        .compute_output_enable(compute_output_enable[3]),
        .vector_output_row(vector_output_row[59:45]),
        .vector_output_enable(vector_output_enable[3]),
        .load_row(load_row[59:45]),
        .load_enable(load_enable[3]),
        .compute_output_data(compute_output_data[31:24]),
        .vector_output_data(vector_output_data[31:24]),
        .load_data(load_data[31:24]),
        .compute_gather_data(bank_3_compute_gather_data),
        .compute_operand_data(bank_3_compute_operand_data),
        .vector_gather_data(bank_3_vector_gather_data),
        .vector_operand_data(bank_3_vector_operand_data),
        .store_data(bank_3_store_data)
    );
endmodule

// tilewright-4x4: 4 lanes, 4 columns, 114688 bytes of feature memory, 9216 weight words.
module tilewright(
    clock, reset, register_write, register_address, register_write_data, axi_arready, axi_rvalid,
    axi_rdata, axi_rresp, axi_rlast, axi_awready, axi_wready, axi_bvalid, axi_bresp,
    register_read_data, done, axi_arvalid, axi_araddr, axi_arlen, axi_arsize, axi_arburst, axi_arid,
    axi_awvalid, axi_awaddr, axi_awlen, axi_awsize, axi_awburst, axi_awid, axi_rready, axi_bready,
    axi_wvalid, axi_wdata, axi_wstrb, axi_wlast, unit_issue, unit_done
);
    input wire clock;
    input wire reset;
    input wire register_write;
    input wire [3:0] register_address;
    input wire [31:0] register_write_data;
    input wire axi_arready;
    input wire axi_rvalid;
    input wire [31:0] axi_rdata;
    input wire [1:0] axi_rresp;
    input wire axi_rlast;
    input wire axi_awready;
    input wire axi_wready;
    input wire axi_bvalid;
    input wire [1:0] axi_bresp;
    output wire [31:0] register_read_data;
    output wire done;
    output wire axi_arvalid;
    output wire [31:0] axi_araddr;
    output wire [7:0] axi_arlen;
    output wire [2:0] axi_arsize;
    output wire [1:0] axi_arburst;
    output wire axi_arid;
    output wire axi_awvalid;
    output wire [31:0] axi_awaddr;
    output wire [7:0] axi_awlen;
    output wire [2:0] axi_awsize;
    output wire [1:0] axi_awburst;
    output wire axi_awid;
    output wire axi_rready;
    output wire axi_bready;
    output wire axi_wvalid;
    output wire [31:0] axi_wdata;
    output wire [3:0] axi_wstrb;
    output wire axi_wlast;
    output wire [3:0] unit_issue;
    output wire [3:0] unit_done;
    wire store_sequencer_finished;
    wire load_sequencer_finished;
    wire vector_sequencer_finished;
    wire compute_sequencer_finished;
    wire [3:0] unit_finished = {store_sequencer_finished, load_sequencer_finished, vector_sequencer_finished,
        compute_sequencer_finished};
    wire store_sequencer_foreign;
    wire load_sequencer_foreign;
    wire vector_sequencer_foreign;
    wire compute_sequencer_foreign;
    wire [3:0] foreign_program_1 = {store_sequencer_foreign, load_sequencer_foreign, vector_sequencer_foreign,
        compute_sequencer_foreign};
    wire foreign_program = |foreign_program_1;
    wire semaphores_overflow;
    wire store_illegal;
    wire load_illegal;
    wire port_write_error;
    wire port_read_error;
    wire [5:0] errors = {foreign_program, semaphores_overflow, store_illegal, load_illegal, port_write_error,
        port_read_error};
    wire port_idle;
    wire memory_idle = port_idle;
    wire registers_start;
    wire registers_done;
    wire [31:0] registers_read_data;
    wire [127:0] registers_list_addresses;
    wire [95:0] registers_counts;
    wire [19:0] registers_base;
    wire registers_stop;
    wire registers_clear;
    // A run that ends early: no instruction is issued any more, and what was begun leaves nothing behind.
    wire no_issue = reset | registers_stop;
    wire clears = reset | registers_clear;
    wire load_request;
    wire store_request;
    wire store_sequencer_request;
    wire load_sequencer_request;
    wire vector_sequencer_request;
    wire compute_sequencer_request;
    // Requests of the masters; grants and beats come back.
    wire [5:0] request = {load_request, store_request, store_sequencer_request, load_sequencer_request,
        vector_sequencer_request, compute_sequencer_request};
    wire [31:0] load_address;
    wire [31:0] store_address;
    wire [31:0] store_sequencer_address;
    wire [31:0] load_sequencer_address;
    wire [31:0] vector_sequencer_address;
    wire [31:0] compute_sequencer_address;
    wire [191:0] request_address = {load_address, store_address, store_sequencer_address, load_sequencer_address,
        vector_sequencer_address, compute_sequencer_address};
    wire [4:0] load_beats;
    wire [4:0] store_beats;
    wire [4:0] store_sequencer_beats;
    wire [4:0] load_sequencer_beats;
    wire [4:0] vector_sequencer_beats;
    wire [4:0] compute_sequencer_beats;
    wire [29:0] request_beats = {load_beats, store_beats, store_sequencer_beats, load_sequencer_beats,
        vector_sequencer_beats, compute_sequencer_beats};
    wire [5:0] port_grant;
    wire [5:0] port_beat_valid;
    wire [31:0] port_beat_data;
    wire port_beat_last;
    wire port_arvalid;
    wire [31:0] port_araddr;
    wire [7:0] port_arlen;
    wire [2:0] port_arsize;
    wire [1:0] port_arburst;
    wire port_awvalid;
    wire [31:0] port_awaddr;
    wire [7:0] port_awlen;
    wire [2:0] port_awsize;
    wire [1:0] port_awburst;
    wire port_rready;
    wire port_bready;
    wire [15:0] semaphores_nonzero;
    // Sequencers and semaphores.
    wire [15:0] nonzero = semaphores_nonzero;
    wire store_done;
    wire load_done;
    wire vector_engine_done;
    wire compute_engine_done;
    wire [3:0] unit_done_strobes = {store_done, load_done, vector_engine_done, compute_engine_done};
    wire compute_sequencer_issue;
    wire [1023:0] compute_sequencer_instruction;
    wire [15:0] compute_sequencer_wait_mask;
    wire [15:0] compute_sequencer_signal_mask;
    wire vector_sequencer_issue;
    wire [1023:0] vector_sequencer_instruction;
    wire [15:0] vector_sequencer_wait_mask;
    wire [15:0] vector_sequencer_signal_mask;
    wire load_sequencer_issue;
    wire [255:0] load_sequencer_instruction;
    wire [15:0] load_sequencer_wait_mask;
    wire [15:0] load_sequencer_signal_mask;
    wire store_sequencer_issue;
    wire [255:0] store_sequencer_instruction;
    wire [15:0] store_sequencer_wait_mask;
    wire [15:0] store_sequencer_signal_mask;
    wire [3:0] unit_issue_strobes = {store_sequencer_issue, load_sequencer_issue, vector_sequencer_issue,
        compute_sequencer_issue};
    wire [59:0] load_row;
    wire [31:0] load_data;
    wire [3:0] load_enable;
    wire load_weight_write;
    wire load_compute_channel_write;
    wire load_vector_channel_write;
    wire load_table_write;
    wire [13:0] load_weight_word;
    wire load_weight_beat;
    wire [9:0] load_channel_word;
    wire [1:0] load_channel_beat;
    wire [10:0] load_table_address;
    wire [31:0] load_word_data;
    wire [31:0] feature_memory_store_data;
    wire [31:0] store_data = feature_memory_store_data;
    wire [59:0] store_row;
    wire [3:0] store_enable;
    wire store_wvalid;
    wire [31:0] store_wdata;
    wire [3:0] store_wstrb;
    wire store_wlast;
    wire [31:0] feature_memory_compute_gather_data;
    // Tile engines and the feature memory between all.
    wire [31:0] compute_gather_data = feature_memory_compute_gather_data;
    wire [31:0] feature_memory_compute_operand_data;
    wire [31:0] compute_operand_data = feature_memory_compute_operand_data;
    wire [59:0] compute_engine_gather_row;
    wire [3:0] compute_engine_gather_enable;
    wire [59:0] compute_engine_operand_row;
    wire [3:0] compute_engine_operand_enable;
    wire [59:0] compute_engine_output_row;
    wire [31:0] compute_engine_output_data;
    wire [3:0] compute_engine_output_enable;
    wire [31:0] feature_memory_vector_gather_data;
    wire [31:0] vector_gather_data = feature_memory_vector_gather_data;
    wire [31:0] feature_memory_vector_operand_data;
    wire [31:0] vector_operand_data = feature_memory_vector_operand_data;
    wire [59:0] vector_engine_gather_row;
    wire [3:0] vector_engine_gather_enable;
    wire [59:0] vector_engine_operand_row;
    wire [3:0] vector_engine_operand_enable;
    wire [59:0] vector_engine_output_row;
    wire [31:0] vector_engine_output_data;
    wire [3:0] vector_engine_output_enable;
    wire [63:0] semaphores_wait_masks_1 = {store_sequencer_wait_mask, load_sequencer_wait_mask,
        vector_sequencer_wait_mask, compute_sequencer_wait_mask};
    wire [63:0] semaphores_signal_masks_1 = {store_sequencer_signal_mask, load_sequencer_signal_mask,
        vector_sequencer_signal_mask, compute_sequencer_signal_mask};
    assign register_read_data = registers_read_data;
    assign done = registers_done;
    assign axi_arvalid = port_arvalid;
    assign axi_araddr = port_araddr;
    assign axi_arlen = port_arlen;
    assign axi_arsize = port_arsize;
    assign axi_arburst = port_arburst;
    assign axi_arid = 1'd0;
    assign axi_awvalid = port_awvalid;
    assign axi_awaddr = port_awaddr;
    assign axi_awlen = port_awlen;
    assign axi_awsize = port_awsize;
    assign axi_awburst = port_awburst;
    assign axi_awid = 1'd0;
    assign axi_rready = port_rready;
    assign axi_bready = port_bready;
    assign axi_wvalid = store_wvalid;
    assign axi_wdata = store_wdata;
    assign axi_wstrb = store_wstrb;
    assign axi_wlast = store_wlast;
    assign unit_issue = unit_issue_strobes;
    assign unit_done = unit_done_strobes;
    registers registers (
        .clock(clock),
        .write(register_write),
        .address(register_address),
        .write_data(register_write_data),
        .finished(unit_finished),
        .errors(errors),
        .idle(memory_idle),
        .reset(reset),
        .start(registers_start),
        .done(registers_done),
        .read_data(registers_read_data),
        .list_addresses(registers_list_addresses),
        .counts(registers_counts),
        .base(registers_base),
        .stop(registers_stop),
        .clear(registers_clear)
    );
    memory_port port (
        .clock(clock),
        .request(request),
        .address(request_address),
        .beats(request_beats),
        .arready(axi_arready),
        .awready(axi_awready),
        .rvalid(axi_rvalid),
        .rdata(axi_rdata),
        .rresp(axi_rresp),
        .rlast(axi_rlast),
        .bvalid(axi_bvalid),
        .bresp(axi_bresp),
        .stop(registers_stop),
        .reset(reset),
        .grant(port_grant),
        .idle(port_idle),
        .beat_valid(port_beat_valid),
        .beat_data(port_beat_data),
        .beat_last(port_beat_last),
        .read_error(port_read_error),
        .write_error(port_write_error),
        .arvalid(port_arvalid),
        .araddr(port_araddr),
        .arlen(port_arlen),
        .arsize(port_arsize),
        .arburst(port_arburst),
        .awvalid(port_awvalid),
        .awaddr(port_awaddr),
        .awlen(port_awlen),
        .awsize(port_awsize),
        .awburst(port_awburst),
        .rready(port_rready),
        .bready(port_bready)
    );
    sequencer_128 compute_sequencer (
        .clock(clock),
        .start(registers_start),
        .list_address(registers_list_addresses[31:0]),
        .base(registers_base),
        .count(registers_counts[23:0]),
        .grant(port_grant[0]),
        .beat_valid(port_beat_valid[0]),
        .beat_data(port_beat_data),
        .nonzero(nonzero),
        .done(unit_done_strobes[0]),
        .reset(no_issue),
        .request(compute_sequencer_request),
        .address(compute_sequencer_address),
        .beats(compute_sequencer_beats),
        .foreign(compute_sequencer_foreign),
        .issue(compute_sequencer_issue),
        .instruction(compute_sequencer_instruction),
        .wait_mask(compute_sequencer_wait_mask),
        .signal_mask(compute_sequencer_signal_mask),
        .finished(compute_sequencer_finished)
    );
    sequencer_128 vector_sequencer (
        .clock(clock),
        .start(registers_start),
        .list_address(registers_list_addresses[63:32]),
        .base(registers_base),
        .count(registers_counts[47:24]),
        .grant(port_grant[1]),
        .beat_valid(port_beat_valid[1]),
        .beat_data(port_beat_data),
        .nonzero(nonzero),
        .done(unit_done_strobes[1]),
        .reset(no_issue),
        .request(vector_sequencer_request),
        .address(vector_sequencer_address),
        .beats(vector_sequencer_beats),
        .foreign(vector_sequencer_foreign),
        .issue(vector_sequencer_issue),
        .instruction(vector_sequencer_instruction),
        .wait_mask(vector_sequencer_wait_mask),
        .signal_mask(vector_sequencer_signal_mask),
        .finished(vector_sequencer_finished)
    );
    sequencer_32 load_sequencer (
        .clock(clock),
        .start(registers_start),
        .list_address(registers_list_addresses[95:64]),
        .base(registers_base),
        .count(registers_counts[71:48]),
        .grant(port_grant[2]),
        .beat_valid(port_beat_valid[2]),
        .beat_data(port_beat_data),
        .nonzero(nonzero),
        .done(unit_done_strobes[2]),
        .reset(no_issue),
        .request(load_sequencer_request),
        .address(load_sequencer_address),
        .beats(load_sequencer_beats),
        .foreign(load_sequencer_foreign),
        .issue(load_sequencer_issue),
        .instruction(load_sequencer_instruction),
        .wait_mask(load_sequencer_wait_mask),
        .signal_mask(load_sequencer_signal_mask),
        .finished(load_sequencer_finished)
    );
    sequencer_32 store_sequencer (
        .clock(clock),
        .start(registers_start),
        .list_address(registers_list_addresses[127:96]),
        .base(registers_base),
        .count(registers_counts[95:72]),
        .grant(port_grant[3]),
        .beat_valid(port_beat_valid[3]),
        .beat_data(port_beat_data),
        .nonzero(nonzero),
        .done(unit_done_strobes[3]),
        .reset(no_issue),
        .request(store_sequencer_request),
        .address(store_sequencer_address),
        .beats(store_sequencer_beats),
        .foreign(store_sequencer_foreign),
        .issue(store_sequencer_issue),
        .instruction(store_sequencer_instruction),
        .wait_mask(store_sequencer_wait_mask),
        .signal_mask(store_sequencer_signal_mask),
        .finished(store_sequencer_finished)
    );
    semaphores semaphores (
        .clock(clock),
        .clear(registers_start),
        .issue(unit_issue_strobes),
        .wait_masks(semaphores_wait_masks_1),
        .done(unit_done_strobes),
        .signal_masks(semaphores_signal_masks_1),
        .reset(clears),
        .nonzero(semaphores_nonzero),
        .overflow(semaphores_overflow)
    );
    // Transfers.
    load load (
        .clock(clock),
        .start(unit_issue_strobes[2]),
        .instruction(load_sequencer_instruction),
        .base(registers_base),
        .grant(port_grant[5]),
        .beat_valid(port_beat_valid[5]),
        .beat_data(port_beat_data),
        .beat_last(port_beat_last),
        .reset(clears),
        .request(load_request),
        .address(load_address),
        .beats(load_beats),
        .done(load_done),
        .illegal(load_illegal),
        .row(load_row),
        .data(load_data),
        .enable(load_enable),
        .weight_write(load_weight_write),
        .compute_channel_write(load_compute_channel_write),
        .vector_channel_write(load_vector_channel_write),
        .table_write(load_table_write),
        .weight_word(load_weight_word),
        .weight_beat(load_weight_beat),
        .channel_word(load_channel_word),
        .channel_beat(load_channel_beat),
        .table_address(load_table_address),
        .word_data(load_word_data)
    );
    store store (
        .clock(clock),
        .start(unit_issue_strobes[3]),
        .instruction(store_sequencer_instruction),
        .grant(port_grant[4]),
        .base(registers_base),
        .feature_data(store_data),
        .wready(axi_wready),
        .bvalid(axi_bvalid),
        .reset(clears),
        .request(store_request),
        .address(store_address),
        .beats(store_beats),
        .done(store_done),
        .illegal(store_illegal),
        .row(store_row),
        .enable(store_enable),
        .wvalid(store_wvalid),
        .wdata(store_wdata),
        .wstrb(store_wstrb),
        .wlast(store_wlast)
    );
    compute_engine compute_engine (
        .clock(clock),
        .issue(unit_issue_strobes[0]),
        .instruction(compute_sequencer_instruction),
        .gather_data(compute_gather_data),
        .operand_data(compute_operand_data),
        .reset(clears),
        .weight_write(load_weight_write),
        .weight_word(load_weight_word),
        .weight_beat(load_weight_beat),
        .weight_data(load_word_data),
        .channel_write(load_compute_channel_write),
        .channel_word(load_channel_word),
        .channel_beat(load_channel_beat),
        .channel_data(load_word_data),
        .table_write(load_table_write),
        .table_address(load_table_address),
        .table_data(load_word_data),
        .gather_row(compute_engine_gather_row),
        .gather_enable(compute_engine_gather_enable),
        .operand_row(compute_engine_operand_row),
        .operand_enable(compute_engine_operand_enable),
        .output_row(compute_engine_output_row),
        .output_data(compute_engine_output_data),
        .output_enable(compute_engine_output_enable),
        .done(compute_engine_done)
    );
    vector_engine vector_engine (
        .clock(clock),
        .issue(unit_issue_strobes[1]),
        .instruction(vector_sequencer_instruction),
        .gather_data(vector_gather_data),
        .operand_data(vector_operand_data),
        .reset(clears),
        .channel_write(load_vector_channel_write),
        .channel_word(load_channel_word),
        .channel_beat(load_channel_beat),
        .channel_data(load_word_data),
        .table_write(load_table_write),
        .table_address(load_table_address),
        .table_data(load_word_data),
        .gather_row(vector_engine_gather_row),
        .gather_enable(vector_engine_gather_enable),
        .operand_row(vector_engine_operand_row),
        .operand_enable(vector_engine_operand_enable),
        .output_row(vector_engine_output_row),
        .output_data(vector_engine_output_data),
        .output_enable(vector_engine_output_enable),
        .done(vector_engine_done)
    );
    feature_memory feature_memory (
        .clock(clock),
        .compute_gather_row(compute_engine_gather_row),
        .compute_gather_enable(compute_engine_gather_enable),
        .compute_operand_row(compute_engine_operand_row),
        .compute_operand_enable(compute_engine_operand_enable),
        .vector_gather_row(vector_engine_gather_row),
        .vector_gather_enable(vector_engine_gather_enable),
        .vector_operand_row(vector_engine_operand_row),
        .vector_operand_enable(vector_engine_operand_enable),
        .store_row(store_row),
        .store_enable(store_enable),
        .compute_output_row(compute_engine_output_row),
        .compute_output_enable(compute_engine_output_enable),
        .vector_output_row(vector_engine_output_row),
        .vector_output_enable(vector_engine_output_enable),
        .load_row(load_row),
        .load_enable(load_enable),
        .compute_output_data(compute_engine_output_data),
        .vector_output_data(vector_engine_output_data),
        .load_data(load_data),
        .compute_gather_data(feature_memory_compute_gather_data),
        .compute_operand_data(feature_memory_compute_operand_data),
        .vector_gather_data(feature_memory_vector_gather_data),
        .vector_operand_data(feature_memory_vector_operand_data),
        .store_data(feature_memory_store_data)
    );
endmodule

