// The machine with its SDRAM: controller and chip, for co-simulation. `start_request` makes a refresh and then starts
// the machine, in cycle 0 of the run, which is the cycle in which `start` is one.
module system (
    input clock, input reset, output ready, input start_request, output start,
    input register_write, input [3:0] register_address, input [31:0] register_write_data,
    output [31:0] register_read_data, output done, output [3:0] unit_issue, output [3:0] unit_done, output moved
);
    wire arvalid, arready, rvalid, rready, rlast, awvalid, awready, wvalid, wready, wlast, bvalid, bready, arid, awid;
    wire [31:0] araddr, awaddr;
    wire [7:0] arlen, awlen;
    wire [2:0] arsize, awsize;
    wire [1:0] arburst, awburst, rresp, bresp;
    wire [/*DATA_BITS*/ - 1:0] rdata, wdata;
    wire [/*DATA_BITS*/ / 8 - 1:0] wstrb;
    assign moved = rvalid || wready;

    tilewright machine (
        .clock(clock), .reset(reset),
        .register_write(register_write || start), .register_address(start ? 4'd0 : register_address),
        .register_write_data(start ? 32'd1 : register_write_data), .register_read_data(register_read_data),
        .done(done), .unit_issue(unit_issue), .unit_done(unit_done),
        .axi_arvalid(arvalid), .axi_arready(arready), .axi_araddr(araddr), .axi_arlen(arlen), .axi_arsize(arsize),
        .axi_arburst(arburst), .axi_arid(arid), .axi_rvalid(rvalid), .axi_rready(rready), .axi_rdata(rdata),
        .axi_rresp(rresp), .axi_rlast(rlast), .axi_awvalid(awvalid), .axi_awready(awready), .axi_awaddr(awaddr),
        .axi_awlen(awlen), .axi_awsize(awsize), .axi_awburst(awburst), .axi_awid(awid), .axi_wvalid(wvalid),
        .axi_wready(wready), .axi_wdata(wdata), .axi_wstrb(wstrb), .axi_wlast(wlast), .axi_bvalid(bvalid),
        .axi_bready(bready), .axi_bresp(bresp)
    );

    // CHIP

    sdram controller (
        .clock(clock), .reset(reset), .ready(ready), .start_request(start_request), .start(start),
        .axi_arvalid(arvalid), .axi_arready(arready), .axi_araddr(araddr), .axi_arlen(arlen), .axi_arsize(arsize),
        .axi_arburst(arburst), .axi_arid(arid), .axi_rvalid(rvalid), .axi_rready(rready), .axi_rdata(rdata),
        .axi_rresp(rresp), .axi_rlast(rlast), .axi_awvalid(awvalid), .axi_awready(awready), .axi_awaddr(awaddr),
        .axi_awlen(awlen), .axi_awsize(awsize), .axi_awburst(awburst), .axi_awid(awid), .axi_wvalid(wvalid),
        .axi_wready(wready), .axi_wdata(wdata), .axi_wstrb(wstrb), .axi_wlast(wlast), .axi_bvalid(bvalid),
        .axi_bready(bready), .axi_bresp(bresp),
        .sdram_cke(cke), .sdram_cs_n(cs_n), .sdram_ras_n(ras_n), .sdram_cas_n(cas_n), .sdram_we_n(we_n),
        .sdram_ba(ba), .sdram_a(a), .sdram_dqm(dqm), .sdram_dq_out(to_chip), .sdram_dq_oe(dq_oe),
        .sdram_dq_in(from_chip)
    );
endmodule
