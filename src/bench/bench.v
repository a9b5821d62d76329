// Self-checking test bench of a network on the machine `tilewright`: loads the memory of every stage with the
// golden sample, starts the machine, and compares output bytes and cycles with the simulator's.
//
// In this folder, with Icarus Verilog 11 or Verilator 5.006 or later:
//   $ iverilog -g2012 -o bench -c files.f && vvp bench
//   $ verilator --binary -Wno-fatal --top-module bench -f files.f && obj_dir/Vbench
// With +pause=SEED the memory pauses at random: bytes stay, cycles are not compared. Ends with `equal`, or
// with `DIFFERENT` and a failing exit status.
`timescale 1ns / 1ps

module bench;
    localparam BUS_BYTES = /*BUS_BYTES*/;
    localparam MEMORY_BYTES = /*MEMORY_BYTES*/;
    localparam OUTPUT_BYTES = /*OUTPUT_BYTES*/;

    reg clock = 1'b0;
    always #5 clock = !clock;
    reg reset = 1'b1;

    reg register_write = 1'b0;
    reg [3:0] register_address = 4'd0;
    reg [31:0] register_write_data = 32'd0;
    wire [31:0] register_read_data;
    wire done;
    // A run begins in this cycle, if not by the host's write.
    wire starts;

    wire arvalid, arready, awvalid, awready, rvalid, rready, rlast, wvalid, wready, wlast, bvalid, bready;
    wire [1:0] rresp, bresp;
    wire [31:0] araddr, awaddr;
    wire [7:0] arlen, awlen;
    wire [8 * BUS_BYTES - 1:0] wdata, rdata;
    wire [BUS_BYTES - 1:0] wstrb;

    // The memory's bytes: all of it before a run, and after.
    reg [7:0] memory [0:MEMORY_BYTES - 1];
    reg [7:0] expected [0:OUTPUT_BYTES - 1];

    integer seed = 0;
    reg pausing = 1'b0;

    tilewright machine (
        .clock(clock), .reset(reset),
        .register_write(register_write || starts), .register_address(starts ? 4'd/*CONTROL*/ : register_address),
        .register_write_data(starts ? 32'd1 : register_write_data), .register_read_data(register_read_data), .done(done),
        .axi_arready(arready), .axi_arvalid(arvalid), .axi_araddr(araddr), .axi_arlen(arlen),
        .axi_arsize(), .axi_arburst(), .axi_arid(),
        .axi_rvalid(rvalid), .axi_rready(rready), .axi_rdata(rdata), .axi_rresp(rresp), .axi_rlast(rlast),
        .axi_awready(awready), .axi_awvalid(awvalid), .axi_awaddr(awaddr), .axi_awlen(awlen),
        .axi_awsize(), .axi_awburst(), .axi_awid(),
        .axi_wready(wready), .axi_wvalid(wvalid), .axi_wdata(wdata), .axi_wstrb(wstrb), .axi_wlast(wlast),
        .axi_bvalid(bvalid), .axi_bready(bready), .axi_bresp(bresp),
        .unit_issue(), .unit_done()
    );

    // MEMORY

    integer stage = 0;
    integer wrong = 0;
    integer byte_number;
    integer largest;

    task begin_stage(input integer number, input [8 * 40 - 1:0] image, input [8 * 40 - 1:0] outputs);
        begin
            stage = number;
            for (byte_number = 0; byte_number < MEMORY_BYTES; byte_number = byte_number + 1)
                memory[byte_number] = 8'd0;
            for (byte_number = 0; byte_number < OUTPUT_BYTES; byte_number = byte_number + 1)
                expected[byte_number] = 8'd0;
            $readmemh(image, memory);
            $readmemh(outputs, expected);
        end
    endtask

    task write(input [3:0] address, input [31:0] data);
        begin
            register_write <= 1'b1;
            register_address <= address;
            register_write_data <= data;
            @(posedge clock);
            register_write <= 1'b0;
        end
    endtask

    // The word is there in the cycle after its address.
    task read(input [3:0] address, output [31:0] data);
        begin
            register_address <= address;
            @(posedge clock);
            @(posedge clock);
            #1 data = register_read_data;
            @(posedge clock);
        end
    endtask

    task list(input integer unit, input [31:0] address, input [31:0] instructions);
        begin
            write(/*ADDRESS*/ + unit, address);
            write(/*COUNT*/ + unit, instructions);
        end
    endtask

    // The machine is the one that the programs were compiled for; it would find out itself.
    reg [31:0] key;
    task check_key;
        begin
            read(/*ISA*/, key);
            if (key != 32'd/*KEY*/) begin
                $display("the machine runs programs of key %0h, these have %0h", key, 32'd/*KEY*/);
                wrong = wrong + 1;
            end
        end
    endtask

    reg [31:0] errors, low, high;
    reg [63:0] limit;
    task run(input [63:0] cycles);
        begin
            // A run that takes far longer than the simulator's is ended by the machine.
            limit = 64'd16 * cycles + 64'd100000;
            write(/*LIMIT*/, limit > 64'hffffffff ? 32'd0 : limit[31:0]);
            write(/*BASE*/, 32'd0);
            memory_to_chip;
            start_run;
            @(posedge clock);
            @(posedge clock);
            while (!done) @(posedge clock);
            memory_from_chip;
            read(/*ERROR*/, errors);
            read(/*CYCLES*/, low);
            read(/*CYCLES*/ + 1, high);
            $display("stage %0d: %0d cycles, errors %0d", stage, {high, low}, errors);
            if (errors != 0) wrong = wrong + 1;
            if (!pausing && {high, low} != cycles) begin
                $display("stage %0d: the simulator has %0d cycles", stage, cycles);
                wrong = wrong + 1;
            end
        end
    endtask

    task compare(input integer address, input integer from, input integer bytes);
        begin
            largest = 0;
            for (byte_number = 0; byte_number < bytes; byte_number = byte_number + 1) begin
                if (memory[address + byte_number] !== expected[from + byte_number]) begin
                    if (wrong < 10)
                        $display("stage %0d, byte %0d of the output at %0d: %0d, the simulator has %0d", stage,
                            byte_number, address, $signed(memory[address + byte_number]),
                            $signed(expected[from + byte_number]));
                    wrong = wrong + 1;
                end
                if ($signed(memory[address + byte_number]) > $signed(memory[address + largest]))
                    largest = byte_number;
            end
            $display("stage %0d: %0d bytes at %0d, the largest is number %0d", stage, bytes, address, largest);
        end
    endtask

    initial begin
        if ($value$plusargs("pause=%d", seed)) pausing = 1'b1;
        repeat (4) @(posedge clock);
        reset <= 1'b0;
        @(posedge clock);
        check_key;
        // RUNS
        if (wrong == 0) begin
            $display("equal");
            $finish;
        end else begin
            $display("DIFFERENT");
            $fatal(1, "bytes or cycles differ");
        end
    end
endmodule
